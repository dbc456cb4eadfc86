"""The factory presets: one TOML file a bank. A preset's keys are GenerationRequest's field names, plus `name` and `description`.

The prompt names style, mood and instruments; tempo and key are fields of their own, so that a request can replace them.
"""
