"""Files of several revisions, read with one git process."""

from study.repository import file_at, files_at, git


def test_files_of_several_revisions_are_read_at_once(tmp_path, monkeypatch):
    folder = tmp_path / "below"
    folder.mkdir()
    monkeypatch.chdir(folder)
    git("init", "-q", str(tmp_path))
    for text in ("one\n", "", "Größe\n\nno line feed at the end"):
        (folder / "a.txt").write_text(text, encoding="utf-8")
        git("add", ".")
        git("-c", "user.name=x", "-c", "user.email=x@example.org", "commit", "-qm", "a")
    revisions = ["HEAD~2", "HEAD~1", "HEAD"]
    assert files_at(revisions, "a.txt") == [file_at(rev, "a.txt") for rev in revisions]
    assert files_at(["HEAD", "no-such-ref"], "b.txt") == ["", ""]
    assert files_at([], "a.txt") == []
