"""Presentation of scored models: listening pages, pictures and a model card."""
