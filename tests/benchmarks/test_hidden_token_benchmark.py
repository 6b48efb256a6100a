from click.testing import CliRunner

from mtcm_pipeline.benchmarks.hidden_token_benchmark import main


def test_without_any_capture_the_command_says_what_it_wants(tmp_path):
    out = tmp_path / "rows.csv"
    done = CliRunner().invoke(main, ["--no-sample", "--out", str(out)])
    assert done.exit_code == 2 and "give the folder of a capture" in done.output
    assert not out.exists()
