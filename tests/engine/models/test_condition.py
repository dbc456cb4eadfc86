"""A condition on its way to a device."""

import torch

from engine.models.condition import SECTION_ROWS, Condition


def test_each_section_has_its_row_of_the_table_and_the_order_is_the_trained_one():
    """Another order would play choruses for verses without any error."""
    assert list(SECTION_ROWS.items()) == [("intro", 0), ("chorus", 1), ("verse", 2), ("verse2", 3), ("outro", 4)]


def test_all_columns_move_and_those_that_are_not_there_stay_away():
    column = torch.zeros(1, 1)
    plain = Condition(torch.ones(1, 3, dtype=torch.long), column, column, column.long())
    meta = torch.device("meta")
    moved = plain.to(meta)
    assert {moved.text.device, moved.time_start.device, moved.time_end.device, moved.section.device} == {meta}
    assert moved.clock is moved.negative_text is moved.scale is None and moved.text.shape == (1, 3)
    whole = Condition(plain.text, column, column, column.long(), torch.zeros(1, 5, 2), plain.text, torch.tensor([4]))
    assert all(value.device == meta for value in vars(whole.to(meta)).values())
