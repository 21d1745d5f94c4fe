"""The README's Python blocks run, in order, as one program."""

import re
from pathlib import Path

README = Path(__file__).parent.parent / "README.md"


def test_code_blocks_run():
    blocks = re.findall(r"```python\n(.*?)```", README.read_text(), flags=re.DOTALL)
    assert len(blocks) >= 3
    names = {}
    for block in blocks:
        exec(compile(block, str(README), "exec"), names)
    assert names["clf"].score(names["X"], names["y"]) > 0.9
    assert set(names["model"].classes_) == {"no", "yes"}
    assert names["search"].best_score_ < 0


def test_tables_are_those_of_the_results():
    from benchmarks.readme import PAGES, with_tables

    for page in PAGES:
        assert with_tables(page) == page.read_text()
