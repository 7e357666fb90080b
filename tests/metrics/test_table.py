import json
import math

from unseam.metrics import ObjectScore, PixelScore, RandScore, Row, Score, Scores, SEGScore

TABLE = Scores(
    names=("a.tif", "b.tif"),
    per_image=((PixelScore(1, 10), SEGScore(0.5, 1, 1)), (PixelScore(3, 30), SEGScore(0.0, 0, 0))),
)


def test_rows():
    rows = TABLE.rows()
    assert TABLE.columns == ("pixel_error", "seg")
    assert rows[0] == Row("a.tif", (0.1, 0.5))
    assert rows[1].name == "b.tif"
    assert rows[1].values[0] == 0.1
    assert math.isnan(rows[1].values[1])
    assert rows[-1] == Row("all", (0.1, 0.5))


def test_json_has_null_where_there_was_nothing_to_score():
    text = json.dumps(TABLE.to_json(), allow_nan=False)
    assert json.loads(text) == {
        "images": [
            {"name": "a.tif", "scores": {"pixel_error": 0.1, "seg": 0.5}},
            {"name": "b.tif", "scores": {"pixel_error": 0.1, "seg": None}},
        ],
        "all": {"pixel_error": 0.1, "seg": 0.5},
    }


def test_an_image_may_be_called_all():
    rows = Scores(("all",), ((PixelScore(1, 2),),)).rows()
    assert [row.name for row in rows] == ["all", "all"]


def test_scores_name_their_columns_alike_for_one_image_and_for_many():
    for score in (PixelScore(1, 2), SEGScore(0.5, 1, 1), ObjectScore(1, 0, 0, 1.0), RandScore(1, 1, 1, 0, 1)):
        assert isinstance(score, Score)
        assert list(score.columns()) == list(type(score).pool([score]))
