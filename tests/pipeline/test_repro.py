"""`dvc repro`: one command runs everything once, and nothing twice."""


def test_a_finished_pipeline_has_nothing_to_do(project):
    assert project.repro() == []
