"""Experiments on one page: their excerpts come from the cache, by default or by name."""

import shutil


def test_experiments_of_this_commit_and_named_ones_of_others(project):
    run = ("dvc", "exp", "run", "--name")
    project.run(*run, "linked", "-S", "reports.embed_audio=false")
    project.run(*run, "narrow", "-S", "eval.extend=false")
    project.run("git", "checkout", "-q", ".")
    listen = ("python", "-m", "study.listen")
    assert "2 experiments" in project.run(*listen).stdout
    page = (project.path / "listen.html").read_text()
    for song in ("Song 50", "Song 51"):
        assert f'class="sounds" data-song="{song}">{{"mixture": "T2dn' in page  # "Ogg" in base64
    assert page.count('"linked": "T2dn') == page.count('"narrow": "T2dn') == 2
    assert project.run("git", "status", "--porcelain").stdout == ""

    project.set(seed=8)
    project.commit("Another commit")
    assert "make matrix" in project.run(*listen, check=False).stderr
    named = (*listen, "narrow", "--out", "one/page.html")
    assert "one/page.html: 1 experiment," in project.run(*named).stdout
    done = project.run(*listen, "narrow", "none", check=False)
    assert done.stderr == "none: no such experiment; `dvc exp list --all-commits` lists them\n"

    shutil.rmtree(project.path / ".dvc/cache/files")
    done = project.run(*named, check=False)
    assert len(done.stderr.splitlines()) == 1
    assert "narrow: its data/excerpts is not in DVC's cache" in done.stderr
