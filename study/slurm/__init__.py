"""The runner for clusters: run a matrix as array jobs of SLURM."""
