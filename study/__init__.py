"""Commands around the pipeline: they read what the stages wrote, no stage depends on them."""
