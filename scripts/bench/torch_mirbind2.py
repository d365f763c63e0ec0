"""Forward speed of miRBind2 in PyTorch, as a benchmark worker.

The layers and sizes are the published ones. The weights are random, which does not
change the time. From pairs of letters as text to probabilities.
"""

import argparse
import time

import numpy as np
import scan_inputs
import timing
import torch
from torch import Tensor, nn

MIRNA, TARGET, CODES = 28, 50, 18
FILTERS, WIDTHS = (128, 64, 32), (6, 3, 3)
PUBLISHED_PARAMETERS = 147_249


class MirBind2(nn.Module):
    """The published layers; logits."""

    def __init__(self) -> None:
        super().__init__()
        self.pairs = nn.Linear(CODES, 8)
        blocks: list[nn.Module] = []
        channels = 8
        for filters, width in zip(FILTERS, WIDTHS, strict=True):
            padding = width // 2 - (width + 1) % 2
            conv = nn.Conv2d(channels, filters, width, padding=padding)
            blocks += [
                conv,
                nn.BatchNorm2d(filters),
                nn.LeakyReLU(0.1),
                nn.MaxPool2d(2),
            ]
            channels = filters
        self.blocks = nn.Sequential(*blocks)
        flat = self.blocks(torch.zeros(1, 8, MIRNA, TARGET)).numel()
        self.hidden = nn.Sequential(
            nn.Linear(flat, 30), nn.BatchNorm1d(30), nn.LeakyReLU(0.1)
        )
        self.output = nn.Linear(30, 1)

    def forward(self, mirnas: Tensor, targets: Tensor) -> Tensor:
        """Score codes [batch, 28] and [batch, 50]; -1 is padding."""
        known = (mirnas >= 0)[:, :, None] & (targets >= 0)[:, None, :]
        codes = torch.where(known, 4 * mirnas[:, :, None] + targets[:, None, :], 17)
        one_hot = nn.functional.one_hot(codes, CODES).float()
        maps = self.pairs(one_hot).permute(0, 3, 1, 2)
        return self.output(self.hidden(self.blocks(maps).flatten(1)))[:, 0]


def encode(sequences: list[str], length: int) -> Tensor:
    """Return codes of letters, padded by -1."""
    codes = np.full((len(sequences), length), -1, np.int64)
    for row, letters in enumerate(sequences):
        codes[row, : len(letters)] = ["AUCG".index(letter) for letter in letters]
    return torch.from_numpy(codes)


def main() -> None:
    """Run the worker."""
    parser = argparse.ArgumentParser(description="PyTorch worker; see timing.py.")
    parser.add_argument("--batch_size", type=int, default=256)
    flags = parser.parse_args()
    torch.set_num_threads(timing.cores())
    torch.manual_seed(0)
    model = MirBind2().eval()
    parameters = sum(each.numel() for each in model.parameters())

    def repeat(pairs: int) -> float:
        mirnas, targets = scan_inputs.random_pairs(pairs)
        start = time.perf_counter()
        with torch.inference_mode():
            batches = zip(
                encode(mirnas, MIRNA).split(flags.batch_size),
                encode(targets, TARGET).split(flags.batch_size),
                strict=True,
            )
            torch.cat([torch.sigmoid(model(*batch)) for batch in batches]).numpy()
        return time.perf_counter() - start

    if parameters != PUBLISHED_PARAMETERS:
        raise ValueError(f"the model has {parameters} parameters")
    timing.serve(repeat, {"torch": torch.__version__})


if __name__ == "__main__":
    main()
