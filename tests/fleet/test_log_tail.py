"""What the end of a log says."""

from mtcm_pipeline.fleet.log_tail import last_error, steps_begun


def write(tmp_path, text):
    path = tmp_path / "run.log"
    path.write_text(text, encoding="utf-8")
    return path


def test_an_own_error_is_its_whole_message(tmp_path):
    log = write(tmp_path, "INFO x\nError: old\nError: 3 px wide\n- remedy 銅\n")
    assert last_error(log) == "3 px wide\n- remedy 銅"


def test_another_error_is_its_last_line_outside_of_the_traceback_box(tmp_path):
    box = "╭─ Traceback ─╮\n│ x │\n╰─────────────╯\nValueError: not ours\n"
    assert last_error(write(tmp_path, box)) == "ValueError: not ours"
    late = box + "/x.py:3: UserWarning: resource_tracker: leaked\n"
    assert last_error(write(tmp_path, late)) == "ValueError: not ours"


def test_the_steps_are_the_nodes_begun(tmp_path):
    rows = [
        "[11/23/26 09:00:00] INFO     take_in ...          ",
        "                    INFO     fit the model ...    ",
        "                    INFO     3 of 4 done",
    ]
    assert steps_begun(write(tmp_path, "\n".join(rows))) == ["take_in", "fit the model"]


def test_only_the_end_of_a_long_log_is_read_even_within_a_letter(tmp_path):
    log = write(tmp_path, "INFO     first ...\n" + "銅" * 400_001 + "\nError: late\n")
    assert last_error(log) == "late"
    assert steps_begun(log) == []


def test_no_log_says_nothing(tmp_path):
    assert last_error(tmp_path / "none") == ""
    assert steps_begun(tmp_path / "none") == []
    assert last_error(write(tmp_path, "")) == ""
