"""What a user may set about fine-tuning."""

from __future__ import annotations

from dataclasses import fields

from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass

from mtcm_pipeline.field.options import FieldOptions


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class TuningOptions(FieldOptions):
    """Options of a fit in which view weights and poses are learned too.

    Each default carries its reason; those of the field itself are in its own options.
    """

    # The field is fitted while weights and poses settle, so it needs more steps than
    # one to views that are known to be sound.
    steps: int = Field(default=500, ge=20)
    # Share of the steps on trusted views alone, before doubtful ones are registered and
    # the fit begins anew: a field in which a point was seen four or five times is sharp
    # enough for a pose.
    warm_share: float = Field(default=0.3, gt=0, lt=1)

    # ---------------------------------------------------------------- view weights
    # The start is sigmoid(sharpness * logit(1 - fault probability)): 1 would leave a
    # frame that is 90 % faulty a tenth of a view's pull, which costs more than a tenth
    # of a view gives.
    sharpness: float = Field(default=2.0, gt=0)
    # Frames whose weight is at least this at the start are trusted: validation views are
    # drawn from them, and the first field is theirs alone.
    trusted_weight: float = Field(default=0.5, gt=0, le=1)
    # No weight sinks below it, so that it can still rise.
    least_weight: float = Field(default=0.002, ge=0, lt=0.5)
    # Views under this weight are not looked at: weights are shares of the looks, and one
    # look at a foreign picture late in the fit costs more than a tenth of a view gives.
    unseen_below: float = Field(default=0.1, ge=0, lt=0.5)
    # Every so many steps the head learns from how the gradients of the views agreed
    # with that of the validation views, which then change. Most views of a usual
    # capture have their turn.
    meta_every: int = Field(default=40, ge=2)
    # Once the views had so many turns each in the mean and none of them disagrees by so
    # many standard errors, there is nothing to be learned: weights stay, and all steps
    # are for the field. One turn says nothing of a view: single cosines have long tails.
    quiet_turns: int = Field(default=2, ge=1)
    disagreeing_sigmas: float = Field(default=4.0, gt=0)
    # Until this share of the steps is done: the rest is for the field, with all views.
    meta_until: float = Field(default=0.7, gt=0, le=1)
    # Trusted views that are not trained on until the next change. Three cost a
    # twelfth of the time meanwhile and see most of the scene together.
    validation_views: int = Field(default=3, ge=1)
    # Adam's rate of the head: in ten changes a view can lose about two in logit.
    head_rate: float = Field(default=0.2, gt=0)
    # Width of the head's hidden layer; 0 learns an offset of each view only.
    head_width: int = Field(default=8, ge=0)
    # Pull of a weight to the filter's own: half of what one period's agreement can say.
    prior_pull: float = Field(default=0.5, ge=0)
    # The effective number of views, (sum w)^2 / sum w^2, stays above this share of what
    # the filter's weights have: nothing collapses onto a few views.
    least_effective_share: float = Field(default=0.7, ge=0, le=1)

    # ----------------------------------------------------------------------- poses
    # Without it nothing is registered, and weights stay the filter's.
    refine_poses: bool = True
    # Blurs of the alignment in px, coarse to fine. 2 px carry a view over an error of
    # three degrees at 96 px; at the end there is none, which is the most precise.
    blurs_px: tuple[float, ...] = (2.0, 1.0, 0.0)
    # A trusted frame whose matches ask for a correction that stands out by so many
    # robust standard deviations, and by so many degrees, is doubted as well.
    suspicious_sigmas: float = Field(default=5.0, gt=0)
    suspicious_deg: float = Field(default=0.5, gt=0)
    # A registered frame is let in where its misfit is at most so many times the usual
    # one of trusted views that the field was not fitted to either (3 is a factor of 1.7
    # in the differences).
    most_misfit: float = Field(default=3.0, gt=0)
    # So many times that where most matches agree with the pose: what only doubtful
    # frames have seen is a hole in the field, and every view of it misfits.
    misfit_with_matches: float = Field(default=3.0, ge=1)
    # Weight of a frame that was let in: nearly a trusted one's.
    admitted_weight: float = Field(default=0.9, gt=0, lt=1)


def field_options(options: TuningOptions) -> FieldOptions:
    """The options of the field alone, for a plain fit beside a tuned one."""
    return FieldOptions(
        **{f.name: getattr(options, f.name) for f in fields(FieldOptions)}
    )


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class FinetuneOptions(TuningOptions):
    """Fine-tuning of a capture, judged by frames that it never sees."""

    seed: int = Field(default=0, ge=0)
    # As the reconstruct stage has it: frames that are usable and were not selected.
    held_out: int = Field(default=8, ge=0)
    random_share: float = Field(default=0.5, ge=0, le=1)
    # Matched features say a tenth of a degree where the field alone says half of one.
    # The run has matched them already; what its cache has lost is matched again, for a
    # tenth of a second a frame and a hundredth a pair.
    use_matches: bool = True
