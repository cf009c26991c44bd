"""Synthetic truth through measure and judge: how well the evaluator itself knows."""
