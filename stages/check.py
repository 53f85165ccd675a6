"""Hold ``params.yaml`` against its schema: no stage of the pipeline, `make` runs it first."""

from stages import read_params, run

if __name__ == "__main__":
    run(read_params)
