"""cluster.yaml: where jobs find the repository, the cache, the environment and room to work."""

from pathlib import Path
from typing import NamedTuple

from dvc.repo import Repo
from pydantic import Field

from stages.schema.section import Section, read_yaml
from study.repository import git
from vocalseg.errors import BadInput

FILE = Path("cluster.yaml")
SCRATCH = "${SLURM_TMPDIR:-${TMPDIR:-/tmp}}"


class File(Section):
    """The content of cluster.yaml; None stands for a default (see :func:`load`)."""

    work: Path | None = None
    repository: Path | None = None
    cache: Path | None = None
    environment: Path | None = None
    scratch: str = Field(SCRATCH, pattern=r'^[^"`\n]+$')
    before: list[str] = Field(default_factory=list)


class Cluster(NamedTuple):
    """Settings of a cluster.

    Attributes
    ----------
    work, repository, cache, environment : Path
        Absolute; on a disk that all nodes share.
    scratch : str
        A folder of the node, with variables that the node's shell expands.
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
        """Epoch backups of unfinished trainings, durations of finished ones."""
        return self.work / "trainings"


def load(environment: Path) -> Cluster:
    """Read cluster.yaml, if there is one.

    Parameters
    ----------
    environment : Path
        The Python environment of the jobs, unless the file names another.

    Raises
    ------
    BadInput
        One line for each wrong key.
    """
    values = (read_yaml(FILE) if FILE.exists() else None) or {}
    if not isinstance(values, dict):
        raise BadInput(f"{FILE}: must hold keys ({', '.join(File.model_fields)})")
    given = File.validated(values, str(FILE))
    work = _absolute(given.work or Path(".dvc/tmp/slurm"))
    return Cluster(
        work=work,
        repository=_absolute(given.repository or work / "repository.git"),
        cache=_absolute(given.cache or _cache()),
        environment=_absolute(given.environment or environment),
        scratch=given.scratch,
        before=given.before,
    )


def make_work(cluster: Cluster) -> None:
    """Make the folder ``work``; raises :class:`BadInput` if that is not possible."""
    try:
        cluster.work.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadInput(
            f"{FILE}: work = {cluster.work}: cannot be made ({error.strerror}); name a folder that "
            "you can write, on a disk that all nodes share"
        ) from None


def share_cache(cache: Path) -> None:
    """Make this clone use the cache of the jobs, so that the comparison reads their results."""
    if _cache() == cache:
        return
    for key, value in (("cache.dir", cache), ("cache.shared", "group")):
        git("config", "--file", ".dvc/config.local", key, str(value))
    print(f"this clone now uses the cache {cache} (.dvc/config.local)", flush=True)


def _cache() -> Path:
    with Repo() as repo:
        return Path(repo.cache.local_cache_dir)


def _absolute(path: Path) -> Path:
    return path.expanduser().absolute()
