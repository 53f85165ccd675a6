"""The runner for clusters: a matrix as array jobs of SLURM."""
