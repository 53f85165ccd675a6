"""Schema of ``params.yaml``, one module per section.

A stage imports only the sections that it reads, so a new key in a section does not affect stages
that read other sections.
"""
