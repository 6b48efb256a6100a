"""Pretrained weights as they are handed on: half precision, with a card beside them.

Nothing here is unpickled: a safetensors file holds numbers and texts alone.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from mtcm_pipeline.mtcm.options import TrainOptions
from mtcm_pipeline.mtcm.pretrain_options import PretrainOptions


def shipped_tensors(
    model: nn.Module, options: TrainOptions
) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Half-precision tensors, and the texts of the file's header.

    The header says which size of model the tensors fit; `start.starting_weights` reads
    it.
    """
    tensors = {
        name: tensor.to(torch.float16) for name, tensor in model.state_dict().items()
    }
    size = {key: str(getattr(options, key)) for key in ("d_model", "layers", "heads")}
    return tensors, {**size, "kind": "mtcm residual over the kernel prior"}


def card(
    model: nn.Module,
    options: PretrainOptions,
    *,
    names: Sequence[str],
    encoder: str,
    validation_losses: tuple[float, float],
) -> str:
    """What was trained, on what, and how it did, as Markdown.

    Args:
        model: that was trained.
        options: of the pretraining.
        names: of the captures, the held-out ones last.
        encoder: that made the embeddings.
        validation_losses: loss on the held-out captures, of the prior alone and of
            the best epoch.
    """
    parameters = sum(tensor.numel() for tensor in model.state_dict().values())
    training = ", ".join(names[: -options.held_out])
    held_out = ", ".join(names[-options.held_out :])
    of_prior, of_best = validation_losses
    return f"""# Weights of the MTCM's residual over its kernel prior

{parameters:,} numbers in half precision. They predict hidden fields of frames (image
embedding, camera pose, timestamp, mask area, focal length) as a correction of what
Gaussian processes, neighbours and interpolation say.

Trained on captures that this project generates, and on nothing else: no photograph, no
person, no downloaded data. Embeddings by `{encoder}`, turned into random bases while
training, so that the weights do not depend on it.

- trained on: {training}
- held out (early stopping): {held_out}
- {options.variants} variants of each (frames dropped, order lost), {options.draws} draws
  of hidden entries a variant, {options.epochs} epochs of {options.steps} steps
- weighted loss on the held-out captures (hidden entries, their expected errors, swapped
  fields, next pose): {of_prior:.4f} untrained, where predictions are the prior's, and
  {of_best:.4f} at the best epoch

Made by `kedro run --pipeline=pretrain`. How much of the residual is used on a capture is
decided there, by frames that are held out; see docs/prediction.md.
"""
