"""The page of `study.listen` gets the excerpts of an experiment from DVC's cache."""

import shutil


def test_page_has_cached_excerpts_of_this_commit_or_of_named_experiments(project):
    project.run("dvc", "exp", "run", "--name", "linked", "-S", "reports.embed_audio=false")
    project.run("git", "checkout", "-q", ".")
    listen = ("python", "-m", "study.listen")
    assert project.run(*listen).stdout.startswith("listen.html: 1 experiment, ")
    page = (project.path / "listen.html").read_text()
    for song in ("Song 50", "Song 51"):
        assert f'class="sounds" data-song="{song}">{{"mixture": "T2dn' in page  # "Ogg" in base64
    assert page.count('"linked": "T2dn') == 2
    assert project.run("git", "status", "--porcelain").stdout == ""

    project.set(seed=8)
    project.commit("Another commit")
    named = (*listen, "linked", "--out", "one/page.html")
    project.run(*named)
    assert (project.path / "one/page.html").read_text() == page
    shutil.rmtree(project.path / ".dvc/cache/files")
    done = project.run(*named, check=False)
    assert len(done.stderr.splitlines()) == 1
    assert "linked: data/excerpts is not in DVC's cache" in done.stderr
