"""Figures of trainings, studies of budgets, datasets and data flow."""
