"""How long an axis is after each layer of a valid network, walked layer by layer as in Fig. 1."""


def output_length(length: int, depth: int, lost_in_up_step: int) -> int | None:
    """The length that comes out; None if a pooling meets an odd length, or nothing is left somewhere."""
    for _ in range(depth):
        length -= 4  # two 3x3 valid convolutions
        if length < 2 or length % 2:
            return None
        length //= 2
    length -= 4
    for _ in range(depth):
        if length < 1:
            return None
        length = 2 * length - lost_in_up_step
    return length if length >= 1 else None
