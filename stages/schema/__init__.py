"""The schema of ``params.yaml``, one module per section.

A stage imports the sections that it reads and no other, so a new key in one section never concerns
the stages of another.
"""
