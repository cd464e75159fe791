"""Scripts that run in the visitor's browser."""


def refocus(selector: str) -> str:
    """Script that gives focus to something else, a selector, where what was pressed is gone."""
    return f"""requestAnimationFrame(() => requestAnimationFrame(() => {{
      if (document.activeElement === document.body) document.querySelector('{selector}')?.focus();
    }}));"""


# A click on anything that carries data-open tells Python its key.
OPEN = """element.addEventListener('click', e => {
  const b = e.target.closest('[data-open]');
  if (b) trigger('click', {key: b.dataset.open});
});"""

# Very long pastes are cut before they travel; the server is told their true length and refuses them in words.
CUT = """(title, body, length, unit) => {
  title = title ?? ''; body = body ?? '';
  window.fnSent = [title, body];
  return [title.slice(0, 30001), body.slice(0, 30001), title.length + body.length, unit];
}"""

# The button hides once the work has ended, however long that takes; focus then goes to the method that is shown.
CANCELLED = f"""() => {{
  const status = document.querySelector('#fn-status');
  new MutationObserver((_, watching) => {{
    if (status.querySelector('progress')) return;
    watching.disconnect();
    {refocus("#fn-method input:checked")}
  }}).observe(status, {{childList: true, subtree: true}});
}}"""

# What stands beneath may not move up as the words on an address go.
HELD = """() => {
  const place = document.querySelector('#fn-fetched');
  place.style.minHeight = `${place.offsetHeight}px`;
}"""

# Says, without the server, that the boxes hold another text than what stands beside them is about; `window.fnShown` is
# that one. It waits a moment: an example that replaces the text is analysed at once.
CHANGED = """(title, body) => {
  const joined = ([title, body]) => (title?.trim() ? title + '\\n\\n' : '') + body;
  const text = boxes => joined(boxes).replace(/\\r\\n?/g, '\\n');
  clearTimeout(window.fnLook);
  window.fnLook = setTimeout(() => {
    const results = document.querySelector('#fn-result .fn-card') && window.fnShown;
    const changed = Boolean(results) && text([title, body ?? '']) !== text(window.fnShown);
    document.querySelector('#fn-main').toggleAttribute('data-changed', changed);
    document.querySelector('#fn-changed [role=status]').textContent =
      changed ? 'The text was changed since; press Analyse to ask the models about it.' : '';
  }, 300);
}"""
ANALYSED = f"(...boxes) => {{ window.fnShown = window.fnSent; ({CHANGED})(...boxes); }}"
