"""The judge's word laid over the table of the rules."""

from __future__ import annotations

import pandas as pd

from mtcm_pipeline.consistency.options import ScoreOptions

JUDGED = ("fault_probability", "verdict", "kind", "field")
# Most sound frames have a lower probability of a fault, the blurred ones of fox a higher.
_SOUND_AS_ANY = 0.1


def with_judgement(
    rules: pd.DataFrame, judged: pd.DataFrame, options: ScoreOptions
) -> pd.DataFrame:
    """The scores of all frames.

    Frames that the judge did not see keep what the rules say. A frame that the rules
    found to repeat another stays a copy: copies are found exactly, whatever else is odd
    about them. A frame that is half as sharp as its neighbours is blurred, and stays so
    where the judge sees nothing else in it, unless to the judge it looks as sound as any:
    before a smooth wall a sharp photograph shows little detail, too.

    Args:
        rules: of `consistency.scores.score_frames`, one row a frame.
        judged: of `judge.verdicts.judged_frames`; any subset of the frames.
        options: whether copies count as faulty.

    Returns:
        The rules' columns, then `JUDGED` and the judge's evidence.
    """
    found = judged.set_index("name").reindex(rules["name"])
    seen = found["fault_score"].notna().to_numpy()
    copies = (rules["reason"].str.startswith("duplicate") & rules["faulty"]).to_numpy()
    faulty = found["faulty"].eq(True).to_numpy()
    if not options.drop_duplicates:
        faulty = faulty & ~found["kind"].eq("duplicate").to_numpy()
    blurred = (rules["reason"].eq("blurred") & rules["faulty"]).to_numpy() & ~faulty
    blurred &= ~found["fault_probability"].lt(_SOUND_AS_ANY).to_numpy()
    taken = seen & ~copies & ~blurred
    table = rules.copy()
    table["fault_score"] = rules["fault_score"].mask(taken, found["fault_score"].array)
    table["faulty"] = rules["faulty"].mask(taken, pd.array(faulty))
    table["faulty"] = table["faulty"].astype(bool)
    excluded = (rules["reason"].isin(["image unreadable", "no pose"])).to_numpy()
    table["usable"] = ~table["faulty"] & ~excluded
    for column in ("reason", "other"):
        values = found[column].fillna("").where(faulty, "")
        table[column] = rules[column].mask(taken, values.array)
    for column in JUDGED:
        table[column] = found[column].array
    evidence = found[[c for c in found if str(c).startswith("evidence_")]]
    return pd.concat([table, evidence.reset_index(drop=True)], axis=1)
