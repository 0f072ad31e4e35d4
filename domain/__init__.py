"""Formulas, rules and models' inputs as pure functions: no client, no clock, no Faust."""
