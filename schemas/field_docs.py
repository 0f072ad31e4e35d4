"""The texts below the fields of models, read from their source when files are made from them.

Pydantic can read them when a class is made (``use_attribute_docstrings``), and looks through the whole stack for each
class: with fifty messages every command and worker waited for it, longer than for all else.
"""

import ast
import inspect
import sys
from functools import cache

from pydantic import BaseModel


def doc_of(model: type[BaseModel], field: str) -> str:
    """The description of a field, or else the text below it in the class that declares it last; empty without one."""
    if description := model.model_fields[field].description:
        return description
    for declaring in model.__mro__:
        if field in vars(declaring).get("__annotations__", {}):
            return _docs(declaring.__module__).get((declaring.__name__, field), "")
    return ""


@cache
def _docs(module: str) -> dict[tuple[str, str], str]:
    """The texts of a module by class and field."""
    found: dict[tuple[str, str], str] = {}
    for node in ast.walk(ast.parse(inspect.getsource(sys.modules[module]))):
        if isinstance(node, ast.ClassDef):
            for field, text in zip(node.body, node.body[1:], strict=False):
                if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name) and _is_text(text):
                    found[node.name, field.target.id] = inspect.cleandoc(text.value.value)  # type: ignore[attr-defined]
    return found


def _is_text(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
