"""The published CNN-LSTM seq2seq in PyTorch, as a benchmark worker.

As a worker (see timing.py for the protocol):

    python torch_seq2seq.py --task=train --batch_size=50
    python torch_seq2seq.py --task=teacher_forced --batch_size=512
    python torch_seq2seq.py --task=greedy --batch_size=512

`--variant=lstm`, the default, is what a PyTorch user would write: `nn.LSTM`, whose
loop is compiled. It differs in what `nn.LSTM` cannot do; all of this favours PyTorch:

* no recurrent dropout;
* input dropout by `nn.Dropout`: one mask per letter, not one per gate and sequence;
* gates with a logistic sigmoid instead of clip(0.2 x + 0.5, 0, 1);

Each LSTM also has a second bias (4,096 more parameters, at negligible cost).
`--variant=exact` computes what Keras 2.2 does, with the loop in Python.
"""

import argparse
import time

import one_hot_pairs
import timing
import torch
from one_hot_pairs import DECODER_LETTERS, ENCODER_LETTERS
from torch import Tensor, nn
from torch.nn import functional

PUBLISHED_PARAMETERS = 2_650_246
L2 = 0.001
LEARNING_RATE = 0.001

State = tuple[Tensor, Tensor]


class InputDropoutLSTM(nn.Module):
    """One-layer nn.LSTM after dropout of its inputs."""

    def __init__(self, features: int, width: int, dropout: float):
        super().__init__()
        self.dropout = nn.Dropout(dropout)
        self.lstm = nn.LSTM(features, width, batch_first=True)

    def forward(
        self, inputs: Tensor, state: State | None = None
    ) -> tuple[Tensor, State]:
        """Run over [batch, steps, features]; states are [1, batch, width]."""
        return self.lstm(self.dropout(inputs), state)


class ExactLSTM(nn.Module):
    """The LSTM of Keras 2.2: hard-sigmoid gates i f c o, four masks per sequence."""

    def __init__(
        self, features: int, width: int, dropout: float, recurrent_dropout: float
    ):
        super().__init__()
        self.dropout, self.recurrent_dropout = dropout, recurrent_dropout
        self.kernel = nn.Parameter(torch.empty(4, features, width))
        self.recurrent_kernel = nn.Parameter(torch.empty(4, width, width))
        self.bias = nn.Parameter(torch.zeros(4, 1, width))
        with torch.no_grad():
            self.bias[1] = 1.0
        for parameter in (*self.kernel, *self.recurrent_kernel):
            nn.init.xavier_uniform_(parameter)

    def forward(
        self, inputs: Tensor, state: State | None = None
    ) -> tuple[Tensor, State]:
        """Run over [batch, steps, features]; states are [batch, width]."""
        batch, steps, _ = inputs.shape
        width = self.bias.shape[-1]
        h, c = state or (inputs.new_zeros(batch, width), inputs.new_zeros(batch, width))
        masked = inputs * self._mask(
            self.dropout, (4, batch, 1, inputs.shape[-1]), inputs
        )
        # The inputs' part of the gates needs no loop: [4, batch, steps, width].
        shares = (masked.expand(4, -1, -1, -1).flatten(1, 2) @ self.kernel) + self.bias
        shares = shares.unflatten(1, (batch, steps))
        mask = self._mask(self.recurrent_dropout, (4, batch, width), inputs)
        outputs = []
        for share in shares.unbind(2):
            i, f, candidate, o = (
                share + (h * mask).expand(4, -1, -1) @ self.recurrent_kernel
            )
            c = _hard_sigmoid(f) * c + _hard_sigmoid(i) * torch.tanh(candidate)
            h = _hard_sigmoid(o) * torch.tanh(c)
            outputs.append(h)
        return torch.stack(outputs, 1), (h, c)

    def _mask(self, rate: float, shape: tuple[int, ...], like: Tensor) -> Tensor:
        if not self.training or rate == 0.0:
            return like.new_ones(())
        return torch.bernoulli(like.new_full(shape, 1.0 - rate)) / (1.0 - rate)


CONV_FILTERS, CONV_WIDTH = 128, 8  # nt
DENSE_UNITS = 128


class Seq2seq(nn.Module):
    """The published architecture; its size by default."""

    def __init__(
        self,
        width: int = 512,
        *,
        dropout: float = 0.1,
        recurrent_dropout: float = 0.4,
        exact: bool = False,
    ):
        # The width is in units; dropouts are of the LSTMs' inputs and (exact only) of
        # their states.
        super().__init__()

        def lstm() -> nn.Module:
            if exact:
                return ExactLSTM(DENSE_UNITS, width, dropout, recurrent_dropout)
            return InputDropoutLSTM(DENSE_UNITS, width, dropout)

        self.conv = nn.Conv1d(len(ENCODER_LETTERS), CONV_FILTERS, CONV_WIDTH)
        self.encoder_dense = nn.Linear(CONV_FILTERS, DENSE_UNITS)
        self.encoder_lstm = lstm()
        self.decoder_dense = nn.Linear(len(DECODER_LETTERS), DENSE_UNITS)
        self.decoder_lstm = lstm()
        self.output = nn.Linear(width, len(DECODER_LETTERS))

    def encode(self, encoder_inputs: Tensor) -> State:
        """Return the state after one-hot targets [batch, 29, 4]."""
        hidden = functional.relu(self.conv(encoder_inputs.transpose(1, 2)))
        hidden = functional.relu(self.encoder_dense(hidden.transpose(1, 2)))
        return self.encoder_lstm(hidden)[1]

    def decode(self, letters: Tensor, state: State) -> tuple[Tensor, State]:
        """Return logits for one-hot letters [batch, steps, 6] and the state after."""
        hidden = functional.relu(self.decoder_dense(letters))
        hidden, state = self.decoder_lstm(hidden, state)
        return self.output(hidden), state

    def forward(self, encoder_inputs: Tensor, decoder_inputs: Tensor) -> Tensor:
        """Return teacher-forced logits [batch, 28, 6]."""
        return self.decode(decoder_inputs, self.encode(encoder_inputs))[0]

    def penalty(self) -> Tensor:
        """Return the L2 penalty of the three dense kernels."""
        dense = (self.encoder_dense, self.decoder_dense, self.output)
        return L2 * sum(layer.weight.square().sum() for layer in dense)


def loss_of(model: Seq2seq, batch: tuple[Tensor, Tensor, Tensor]) -> Tensor:
    """Return the published loss: mean over all steps, also padded ones, and L2."""
    encoder_inputs, decoder_inputs, targets = batch
    logits = model(encoder_inputs, decoder_inputs)
    # Targets as probabilities, so that an all-zero row adds 0 and is counted.
    crossentropy = functional.cross_entropy(logits.flatten(0, 1), targets.flatten(0, 1))
    return crossentropy + model.penalty()


def train_step(
    model: Seq2seq,
    optimizer: torch.optim.Optimizer,
    batch: tuple[Tensor, Tensor, Tensor],
) -> Tensor:
    """Take one optimizer step and return the loss before it."""
    optimizer.zero_grad()
    loss = loss_of(model, batch)
    loss.backward()
    optimizer.step()
    return loss.detach()


def rmsprop(model: Seq2seq) -> torch.optim.Optimizer:
    """Return Keras 2.2's RMSprop, with epsilon outside the square root."""
    return torch.optim.RMSprop(
        model.parameters(), lr=LEARNING_RATE, alpha=0.9, eps=1e-7
    )


@torch.inference_mode()
def greedy(
    model: Seq2seq,
    encoder_inputs: Tensor,
    *,
    steps: int = one_hot_pairs.DECODER_STEPS,
    stop_at_end: bool = True,
) -> Tensor:
    """Decode a whole batch greedily.

    Args:
      model: in evaluation mode.
      encoder_inputs: one-hot [batch, 29, 4].
      steps: most letters to decode.
      stop_at_end: whether to stop once every sequence has ended. It is off in timings,
        so that the time does not depend on the letters of an untrained model.

    Returns:
      Letters as indices into DECODER_LETTERS, [batch, steps taken].
    """
    end = DECODER_LETTERS.index("$")
    state = model.encode(encoder_inputs)
    identity = torch.eye(len(DECODER_LETTERS))
    letter = torch.full((len(encoder_inputs),), DECODER_LETTERS.index("^"))
    ended = torch.zeros(len(encoder_inputs), dtype=torch.bool)
    letters = []
    for _ in range(steps):
        logits, state = model.decode(identity[letter][:, None], state)
        letter = logits[:, 0].argmax(-1)
        letters.append(letter)
        ended |= letter == end
        if stop_at_end and ended.all():
            break
    return torch.stack(letters, 1)


def train(
    model: Seq2seq,
    optimizer: torch.optim.Optimizer,
    pairs: one_hot_pairs.OneHotPairs,
    batch_size: int,
) -> float:
    """Train for one epoch in random order; return the seconds."""
    arrays = [torch.from_numpy(array) for array in pairs]
    model.train()
    start = time.perf_counter()
    for rows in torch.randperm(len(arrays[0])).split(batch_size):
        encoder_inputs, decoder_inputs, targets = (array[rows] for array in arrays)
        train_step(model, optimizer, (encoder_inputs, decoder_inputs, targets))
    return time.perf_counter() - start


@torch.inference_mode()
def teacher_forced(
    model: Seq2seq, pairs: one_hot_pairs.OneHotPairs, batch_size: int
) -> float:
    """Predict every next letter from the true ones; return the seconds."""
    arrays = [torch.from_numpy(array) for array in pairs[:2]]
    model.eval()
    start = time.perf_counter()
    for inputs in zip(*(array.split(batch_size) for array in arrays), strict=True):
        model(*inputs).softmax(-1)
    return time.perf_counter() - start


def batched_greedy(
    model: Seq2seq, pairs: one_hot_pairs.OneHotPairs, batch_size: int
) -> float:
    """Decode every target, 28 steps each; return the seconds."""
    model.eval()
    start = time.perf_counter()
    for inputs in torch.from_numpy(pairs.encoder_inputs).split(batch_size):
        greedy(model, inputs, stop_at_end=False)
    return time.perf_counter() - start


def main() -> None:
    """Serve one task to a driver."""
    parser = argparse.ArgumentParser(description="PyTorch worker; see timing.py.")
    parser.add_argument(
        "--task", choices=("train", "teacher_forced", "greedy"), required=True
    )
    parser.add_argument("--batch_size", type=int, default=50)
    parser.add_argument("--width", type=int, default=512, help="units of both LSTMs")
    parser.add_argument("--variant", choices=("lstm", "exact"), default="lstm")
    parser.add_argument("--threads", type=int, default=timing.cores())
    flags = parser.parse_args()
    torch.set_num_threads(flags.threads)
    torch.manual_seed(0)
    model = Seq2seq(flags.width, exact=flags.variant == "exact")
    optimizer = rmsprop(model)
    parameters = sum(parameter.numel() for parameter in model.parameters())
    second_biases = 0 if flags.variant == "exact" else 2 * 4 * flags.width
    if flags.width == 512 and parameters != PUBLISHED_PARAMETERS + second_biases:
        raise ValueError(f"{parameters=}, published are {PUBLISHED_PARAMETERS}")

    def repeat(size: int) -> float:
        pairs = one_hot_pairs.random_pairs(size)
        if flags.task == "train":
            return train(model, optimizer, pairs, flags.batch_size)
        if flags.task == "teacher_forced":
            return teacher_forced(model, pairs, flags.batch_size)
        return batched_greedy(model, pairs, flags.batch_size)

    timing.serve(
        repeat,
        {
            "torch": torch.__version__,
            "variant": flags.variant,
            "parameters": parameters,
            "threads": flags.threads,
        },
    )


def _hard_sigmoid(x: Tensor) -> Tensor:
    return torch.clamp(0.2 * x + 0.5, 0.0, 1.0)


if __name__ == "__main__":
    main()
