"""Read cluster.yaml: the folders and the environment that the jobs of a cluster use."""

from pathlib import Path
from typing import NamedTuple

from dvc.repo import Repo
from pydantic import Field

from stages.schema.section import Section, read_yaml
from study.repository import git
from vocalseg.errors import BadInput

FILE = Path("cluster.yaml")
SCRATCH = "${SLURM_TMPDIR:-${TMPDIR:-/tmp}}"


class ClusterFile(Section):
    """The content of cluster.yaml; None stands for the default (see :func:`load`)."""

    work: Path | None = None
    repository: Path | None = None
    cache: Path | None = None
    environment: Path | None = None
    scratch: str = Field(SCRATCH, pattern=r'^[^"`\n]+$')
    before: list[str] = Field(default_factory=list)


class ClusterSettings(NamedTuple):
    """Settings of a cluster.

    Attributes
    ----------
    work, repository, cache, environment : Path
        Absolute paths on a disk that all nodes share.
    scratch : str
        A folder on the node's own disk. The node's shell expands variables in it.
    before : list of str
        Shell lines that each job runs first.
    """

    work: Path
    repository: Path
    cache: Path
    environment: Path
    scratch: str
    before: list[str]

    @property
    def trainings(self) -> Path:
        """Folder with epoch backups of unfinished trainings and durations of finished ones."""
        return self.work / "trainings"


def load(environment: Path) -> ClusterSettings:
    """Read cluster.yaml if it exists, and fill in the defaults.

    Parameters
    ----------
    environment : Path
        Default of the jobs' Python environment.

    Returns
    -------
    ClusterSettings

    Raises
    ------
    BadInput
        If the file is invalid; the message has one line per invalid key.
    """
    values = (read_yaml(FILE) if FILE.exists() else None) or {}
    if not isinstance(values, dict):
        raise BadInput(f"{FILE}: must be a mapping of {', '.join(ClusterFile.model_fields)}")
    given = ClusterFile.validated(values, str(FILE))
    work = _absolute(given.work or Path("cluster"))
    return ClusterSettings(
        work=work,
        repository=_absolute(given.repository or work / "repository.git"),
        cache=_absolute(given.cache or _cache_folder()),
        environment=_absolute(given.environment or environment),
        scratch=given.scratch,
        before=given.before,
    )


def make_work_folder(cluster: ClusterSettings) -> None:
    """Create the folder ``work`` if it does not exist.

    Raises
    ------
    BadInput
        If that is not possible.
    """
    try:
        cluster.work.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadInput(
            f"{FILE}: work = {cluster.work}: cannot be created ({error.strerror}); choose a "
            "writable folder on a disk that all nodes share"
        ) from None


def share_cache(cache: Path) -> None:
    """Configure this clone to use the cache of the jobs, so that it can read their results."""
    if _cache_folder() == cache:
        return
    for key, value in (("cache.dir", cache), ("cache.shared", "group")):
        git("config", "--file", ".dvc/config.local", key, str(value))
    print(f"this clone now uses the cache {cache} (.dvc/config.local)", flush=True)


def _cache_folder() -> Path:
    with Repo() as repo:
        return Path(repo.cache.local_cache_dir)


def _absolute(path: Path) -> Path:
    return path.expanduser().absolute()
