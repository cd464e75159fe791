"""A file that is too large is refused before it travels, where its result would stand and not as a toast."""

from __future__ import annotations

from fakenews.data.unpacked import MAX_UPLOAD

# On an HTML component that says so: whatever is chosen for, or dropped on, the file component `FILE`.
_WATCH = """const refuse = e => {
  if (!element.isConnected || !e.target.closest?.('#FILE')) return;
  const dropped = e.type === 'drop';
  const large = [...(dropped ? e.dataTransfer : e.target).files ?? []].find(file => file.size > MOST);
  if (!large) return;
  e.preventDefault();
  e.stopImmediatePropagation();
  if (dropped) e.target.dispatchEvent(new DragEvent('dragleave', {bubbles: true}));
  else e.target.value = '';
  trigger('click', {key: large.name});
};
for (const type of ['change', 'drop']) document.addEventListener(type, refuse, true);"""


def refusing(file_id: str) -> str:
    """Script of the HTML component whose click tells the name of a file that is too large as its `key`."""
    return _WATCH.replace("FILE", file_id).replace("MOST", str(MAX_UPLOAD))


def too_large(name: str) -> str:
    """That a file is, as the beginning of a sentence."""
    return f"{name[:80]} is larger than {MAX_UPLOAD // 1_000_000} MB"
