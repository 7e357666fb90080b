"""A verb of the command line is one file and one line."""

from families.package_copy import add_line, copy_package, run_python

TOY = '''
"""``unseam toy``."""


def toy(number: int, /) -> None:
    """Say a number twice.

    Parameters
    ----------
    number
        What is said.
    """
    print(number, number)
'''


def test_a_toy_verb_is_in_the_help_and_runs(tmp_path):
    copy = copy_package(tmp_path)
    (copy / "cli/toy.py").write_text(TOY)
    add_line(copy / "cli/app.py", '"reproduce",', '    "toy",')
    text = (copy / "cli/app.py").read_text()
    assert text.count('"toy",') == 1
    assert "Say a number twice." in run_python(copy, ["-m", "unseam", "--help"])
    assert "What is said." in run_python(copy, ["-m", "unseam", "toy", "--help"])
    assert run_python(copy, ["-m", "unseam", "toy", "7"]) == "7 7\n"
