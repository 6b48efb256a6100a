"""A field, the weights of its views and their poses, learned together: `fine_tune`.

1. Matches say which poses stand out, where doubtful frames should be, and which of them
   stand where they should; those are trusted from then on. Trusted frames that stand out
   go where their matches are certain of them, at once. Gaussians start where matched
   features are.
2. Where poses are to be registered, a first field is fitted to the trusted views but a
   few, which say how well a sound view fits that the field does not know.
3. Doubtful views are registered against it, the Gaussians standing still; those that
   fit are let in.
4. The fit begins anew from those Gaussians, with all views by their weights: rates and
   moments as at the start, for the steps that are left. Every so many steps some trusted
   views are held out, and the head learns which views serve them, until none disagrees.

Where no pose is to be registered after step 1, there is nothing to be learned: this is a
plain fit by the filter's weights.

Dimension letters: V views.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from mtcm_pipeline.errors import CaptureError
from mtcm_pipeline.field.fit import ViewOrder, warm_up
from mtcm_pipeline.field.fit_state import FitState
from mtcm_pipeline.field.start import gaussians_at
from mtcm_pipeline.math_threads import math_threads
from mtcm_pipeline.scene.points import ScenePoints
from mtcm_pipeline.scene.views import PinholeViews
from mtcm_pipeline.tuning.frames import Doubt, Tuned
from mtcm_pipeline.tuning.head import WeightHead
from mtcm_pipeline.tuning.matched_poses import (
    CERTAIN_AGREEING,
    MatchedPoses,
    matched_poses,
)
from mtcm_pipeline.tuning.matched_start import matched_start
from mtcm_pipeline.tuning.matches import Tracks, tracks_of
from mtcm_pipeline.tuning.options import TuningOptions, field_options
from mtcm_pipeline.tuning.registration import Registration, placed, register_views
from mtcm_pipeline.tuning.reweighting import Reweighting
from mtcm_pipeline.tuning.rigid import without_common_motion
from mtcm_pipeline.tuning.tables import tuned_tables

log = logging.getLogger(__name__)

Float = NDArray[np.float64]
OnStep = Callable[[int, float], None]
"""(steps done, loss of the last one)."""

_LEAST_TRUSTED = 4
_SPENT = ("matches", "start", "steps", "listening", "registration")


def fine_tune(
    views: PinholeViews,
    doubt: Doubt,
    options: TuningOptions,
    *,
    seed: int,
    start: ScenePoints | None = None,
    on_step: OnStep | None = None,
) -> Tuned:
    """Fit a field to views of which some are not to be trusted.

    Args:
        views: V of them in the canonical gauge; test views are not among them.
        doubt: what a filter says, in the order of `views`.
        options: of field, weights and poses.
        seed: the same seed gives the same bits on the same machine.
        start: points to start from; from the trusted views, half of them matched
            features, when left out.
        on_step: told after every step.

    Raises:
        CaptureError: names disagree, or too few views are trusted.
    """
    _check(views, doubt, options)
    warm_up()
    began = time.process_time()
    with math_threads(options.threads):
        tuning = _Tuning(views, doubt, options, seed, start)
        tuning.run(on_step)
    tables = tuned_tables(
        doubt,
        tuning.head,
        tuning.reweighting,
        registered=tuning.registered,
        given=tuning.given,
        refined=tuning.poses,
        suspicious=tuning.suspicious,
        options=options,
    )
    return Tuned(
        tuning.state.tensors().numpy(),
        tables.views,
        tuning.poses,
        tuning.curve(),
        tables.periods,
        tuning.head,
        options.background,
        time.process_time() - began,
        dict(tuning.spent),
        tuning.plain_steps,
    )


def _check(views: PinholeViews, doubt: Doubt, options: TuningOptions) -> None:
    if views.names != doubt.names:
        raise CaptureError(
            f"fine-tuning: {len(views)} views, but doubts of {len(doubt.names)} frames "
            f"or in another order"
        )
    weights = doubt.weights(options)
    trusted = int((weights >= options.trusted_weight).sum())
    if trusted < _LEAST_TRUSTED + options.validation_views:
        raise CaptureError(
            f"fine-tuning needs {_LEAST_TRUSTED + options.validation_views} trusted "
            f"frames ({_LEAST_TRUSTED} to fit, {options.validation_views} to validate) "
            f"and the filter trusts {trusted} of {len(views)}: look at scores.csv for "
            f"why, or lower finetune.trusted_weight"
        )


class _Tuning:
    """A fine-tuning under way."""

    def __init__(
        self,
        views: PinholeViews,
        doubt: Doubt,
        options: TuningOptions,
        seed: int,
        start: ScenePoints | None,
    ) -> None:
        self._views, self._doubt, self._options, self._seed = views, doubt, options, seed
        self.given = np.stack([view.cam_from_world for view in views.views])
        self.poses = self.given.copy()
        self.registered: dict[str, Registration] = {}
        self.prior = doubt.weights(options)
        self.spent = dict.fromkeys(_SPENT, 0.0)
        self.plain_steps = 0
        with self._clock("matches"):
            self._tracks = self._tracks_of_matches()
            self._matched = self._ask_matches()
        self.suspicious = self._matched.suspicious
        self._trust_the_settled()
        self._move_the_suspicious()
        self._sure = np.array(
            [
                weight >= options.trusted_weight and name not in self.suspicious
                for name, weight in zip(doubt.names, self.prior, strict=True)
            ]
        )
        with self._clock("start"):
            known = self._sure | np.isin(views.names, list(self.registered))
            names = [n for n, ok in zip(views.names, known, strict=True) if ok]
            standing = self._standing()
            points = start or matched_start(
                standing, names, self._tracks, options, seed=seed
            )
            self.state = FitState(gaussians_at(points, options), standing, options, seed)
        self._began = 0  # step at which the rates were as at the start
        self.head = WeightHead(self.prior, doubt.features, options, seed)
        self.reweighting = Reweighting(self.head, self._sure, self.given, options, seed)
        self._to_register = self._rows_to_register()
        # Views that the first field does not know say what fits usually.
        few = self.reweighting.choose() if self._to_register else np.zeros(0, np.int64)
        self._references = few
        first = known.astype(np.float64)
        first[few] = 0.0
        shares = first / first.sum() if self._to_register else self.reweighting.shares()
        self._order = ViewOrder(shares, self.state.random)
        self._losses: list[tuple[float, int]] = []

    def run(self, on_step: OnStep | None) -> None:
        """All steps."""
        options = self._options
        warm = max(1, round(options.warm_share * options.steps))
        # Gradients are compared by Adam's own rates, which a fit begun anew has not yet.
        hear_from = warm + (options.meta_every if self._to_register else 0)
        if not self._to_register:
            log.info("no pose is to be registered: this is a plain fit by the weights")
            self.reweighting.finish()
        for step in range(options.steps):
            if step == warm and self._to_register:
                with self._clock("registration"):
                    self._register()
                    self._let_in()
                    self._begin_anew(step)
            if step >= hear_from and not self.reweighting.over:
                with self._clock("listening"):
                    self._meta_step(step, hear_from)
            listening = step >= hear_from and not self.reweighting.over
            with self._clock("listening" if listening else "steps"):
                loss = self._step(step, listening=listening)
            self.plain_steps += not listening
            self._losses.append(loss)
            if on_step is not None:
                on_step(step + 1, loss[0])
        self.reweighting.finish()

    @contextmanager
    def _clock(self, what: str) -> Iterator[None]:
        """Note the CPU seconds of a block."""
        began = time.process_time()
        yield
        self.spent[what] += time.process_time() - began

    def curve(self):
        """One row a step."""
        import pandas as pd

        losses, rows = zip(*self._losses, strict=True)
        names = [self._views.names[row] for row in rows]
        steps = np.arange(1, len(losses) + 1)
        return pd.DataFrame({"step": steps, "loss": losses, "view": names})

    def _step(self, step: int, *, listening: bool) -> tuple[float, int]:
        """A step of the fit; its gradient is compared while anything is learned of it."""
        row = self._order.next_view()
        loss = self.state.view_loss(row)
        if listening:
            self.reweighting.hear(row, self.state.descend_along(loss, step - self._began))
        else:
            self.state.descend(loss, step - self._began)
        return float(loss.detach()), row

    def _meta_step(self, step: int, hear_from: int) -> None:
        """Where one is due: learn, and hold other views out or none."""
        options = self._options
        if step >= options.meta_until * options.steps:
            self.reweighting.finish()
        elif (step - hear_from) % options.meta_every == 0:
            self.reweighting.next_period(self.state, step)
        else:
            return
        self._order.reweigh(self.reweighting.shares())

    def _tracks_of_matches(self) -> Tracks | None:
        matches = self._doubt.matches
        return tracks_of(matches, self._views.names) if matches else None

    def _ask_matches(self) -> MatchedPoses:
        doubt, options = self._doubt, self._options
        if not options.refine_poses:
            return MatchedPoses()
        poses = dict(zip(doubt.names, self.given, strict=True))
        trusted = [
            name
            for name, weight in zip(doubt.names, self.prior, strict=True)
            if weight >= options.trusted_weight
        ]
        found = matched_poses(poses, trusted, self._tracks, options)
        # Never so many that too few are left to hold the gauge.
        if (
            len(trusted) - len(found.suspicious)
            < _LEAST_TRUSTED + options.validation_views
        ):
            return MatchedPoses(found.found, frozenset())
        return found

    def _trust_the_settled(self) -> None:
        """Doubts of a pose are settled where the frame's own matches agree with it.

        What the filter keeps and no matches contradict is trusted as much: nearly all of
        such frames are sound, whatever their probability.
        """
        settled = self._matched.confirmed | self._matched.uncontradicted
        for row, name in enumerate(self._doubt.names):
            if not (name in settled and self._doubt.curable[row]):
                continue
            self.prior[row] = max(self.prior[row], self._options.admitted_weight)
            if name in self._matched.confirmed:
                agreeing = self._matched.found[name].agreeing
                self.registered[name] = placed(self.given[row], "given", agreeing)

    def _move_the_suspicious(self) -> None:
        """Trusted frames that matches contradict go where these are certain of them.

        No field is asked: between two poses a degree apart its misfit hardly tells which
        is right, and to fit one for that costs more than it saves. Where matches are not
        certain the frame stays where it was given, and counts.
        """
        for row, name in enumerate(self._doubt.names):
            found = self._matched.found.get(name)
            if name not in self.suspicious or found is None:
                continue
            if found.agreeing >= CERTAIN_AGREEING:
                self.poses[row] = found.belief.cam_from_world
                self.prior[row] = max(self.prior[row], self._options.admitted_weight)
                self.registered[name] = placed(self.poses[row], "matches", found.agreeing)

    def _standing(self) -> PinholeViews:
        """The views where they are believed to stand by now."""
        views = [
            replace(view, cam_from_world=pose)
            for view, pose in zip(self._views.views, self.poses, strict=True)
        ]
        return PinholeViews(tuple(views), self._views.gauge)

    def _rows_to_register(self) -> list[int]:
        """What is doubted and may be cured.

        Where there are matches, what they cannot place stays as the filter has it: a
        picture alone fits in too many places.
        """
        if not self._options.refine_poses:
            return []
        placed = self._matched.found if self._doubt.matches else self._views.names
        return [
            row
            for row, name in enumerate(self._views.names)
            if name in placed
            and name not in self.suspicious
            and self._doubt.curable[row]
            and not self._sure[row]
        ]

    def _register(self) -> None:
        """Find the poses of doubtful views, and take the gauge back."""
        self.registered |= register_views(
            self.state.tensors().numpy(),
            [self._views.views[row] for row in self._references.tolist()],
            [self._views.views[row] for row in self._to_register],
            matched=self._matched.found,
            predicted=self._doubt.predicted,
            options=self._options,
        )
        self._move(self._to_register)

    def _move(self, rows: list[int]) -> None:
        """Take over the poses of registered views that are let in.

        Not their gains: against a field that does not know the view well, the gain that
        fits best is too low, and darkens what the view shows.
        """
        for row in rows:
            entry = self.registered[self._views.names[row]]
            if entry.admitted:
                self.poses[row] = entry.cam_from_world
        # A large correction of a frame that nobody trusted is no motion of the gauge.
        weights = np.where(self._sure, self.prior, 0.0)
        self.poses = without_common_motion(self.poses, self.given, weights)

    def _begin_anew(self, step: int) -> None:
        """Rates and moments as at the start, from the Gaussians that there are.

        What the field did not know shows late; with rates that have sunk meanwhile it
        would never be fitted as well as the rest.
        """
        self.state = FitState(
            self.state.tensors().numpy(),
            self._standing(),
            replace(field_options(self._options), steps=self._options.steps - step),
            self._seed,
        )
        self._order = ViewOrder(self.reweighting.shares(), self.state.random)
        self._began = step

    def _let_in(self) -> None:
        """New weights to start from, for views that were registered."""
        weights = self.prior.copy()
        for row, name in enumerate(self._views.names):
            if (entry := self.registered.get(name)) is not None:
                low = min(weights[row], 1 - self._options.trusted_weight)
                high = max(weights[row], self._options.admitted_weight)
                weights[row] = high if entry.admitted else low
        self.reweighting.restart(weights)
        let_in = [self.registered[self._views.names[row]] for row in self._to_register]
        log.info(
            "%d of %d doubtful views let in",
            sum(entry.admitted for entry in let_in),
            int((~self._sure).sum()),
        )
