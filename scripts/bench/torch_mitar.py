"""miTAR (Gu et al. 2021) in PyTorch, as a benchmark worker.

    python torch_mitar.py --task=train --batch_size=100
    python torch_mitar.py --task=predict --batch_size=512

The bidirectional LSTM is `nn.LSTM`, as a PyTorch user would write it: its gates have a
logistic sigmoid and its activation is tanh, where miTAR has clip(0.2 x + 0.5, 0, 1) and
ReLU, and it has a second bias (256 parameters more).
"""

import argparse
import time

import mitar_tokens
import timing
import torch
from torch import Tensor, nn
from torch.nn import functional

DROPOUT = 0.2
SECOND_BIASES = 2 * 4 * 32


class Mitar(nn.Module):
    """The published layers; logits."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(mitar_tokens.CODES, 5)
        self.conv = nn.Conv1d(5, 320, 12)
        self.lstm = nn.LSTM(320, 32, batch_first=True, bidirectional=True)
        self.hidden = nn.Linear(64, 16)
        self.output = nn.Linear(16, 1)
        self.dropout = nn.Dropout(DROPOUT)

    def forward(self, tokens: Tensor) -> Tensor:
        """Score tokens [batch, 79]."""
        letters = self.embedding(tokens).transpose(1, 2)
        features = self.dropout(functional.relu(self.conv(letters)))
        features = self.dropout(functional.max_pool1d(features, 2)).transpose(1, 2)
        _, (last, _) = self.lstm(features)
        hidden = self.dropout(last.transpose(0, 1).flatten(1))
        hidden = self.dropout(functional.relu(self.hidden(hidden)))
        return self.output(hidden)[:, 0]


def main() -> None:
    """Serve one task to a driver."""
    parser = argparse.ArgumentParser(description="PyTorch worker; see timing.py.")
    parser.add_argument("--task", choices=("train", "predict"), required=True)
    parser.add_argument("--batch_size", type=int, default=100)
    flags = parser.parse_args()
    torch.set_num_threads(timing.cores())
    torch.manual_seed(0)
    model = Mitar()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.001, eps=1e-7)
    parameters = sum(parameter.numel() for parameter in model.parameters())
    if parameters != mitar_tokens.PUBLISHED_PARAMETERS + SECOND_BIASES:
        raise ValueError(f"the model has {parameters} parameters")

    def train(tokens: Tensor, labels: Tensor) -> None:
        model.train()
        for rows in torch.randperm(len(tokens)).split(flags.batch_size):
            optimizer.zero_grad()
            loss = functional.binary_cross_entropy_with_logits(
                model(tokens[rows]), labels[rows]
            )
            loss.backward()
            optimizer.step()

    @torch.inference_mode()
    def predict(tokens: Tensor) -> None:
        model.eval()
        for part in tokens.split(flags.batch_size):
            model(part).sigmoid()

    def repeat(size: int) -> float:
        tokens, labels = map(torch.from_numpy, mitar_tokens.random_rows(size))
        tokens = tokens.long()
        start = time.perf_counter()
        if flags.task == "train":
            train(tokens, labels)
        else:
            predict(tokens)
        return time.perf_counter() - start

    timing.serve(repeat, {"torch": torch.__version__, "parameters": parameters})


if __name__ == "__main__":
    main()
