// Remembers what is selected in the text, as characters; marks are drawn over the text without changing it. A finger on
// the button takes the selection away before the click comes, so what happens to it meanwhile is passed over.
element => {
  const inText = () => element.querySelector('.fn-text');
  const length = s => [...s].length;
  const selected = () => {
    const text = inText(), s = getSelection();
    if (!text || !s.rangeCount || !s.getRangeAt(0).intersectsNode(text)) return '';
    const range = s.getRangeAt(0).cloneRange(), before = document.createRange();
    before.selectNodeContents(text);
    if (range.compareBoundaryPoints(Range.START_TO_START, before) < 0) range.setStart(text, 0);
    if (range.compareBoundaryPoints(Range.END_TO_END, before) > 0) range.setEnd(text, text.childNodes.length);
    before.setEnd(range.startContainer, range.startOffset);
    const start = length(before.toString()), end = start + length(range.toString());
    return end > start ? start + '-' + end : '';
  };
  window.fakenews.selection = selected;
  let pressing = false;
  for (const kind of ['pointerdown', 'click', 'keydown'])
    document.addEventListener(kind, e => {
      pressing = kind === 'pointerdown' && Boolean(e.target.closest('#fn-mark'));
    }, true);
  document.addEventListener('selectionchange', () => { if (!pressing) window.fakenews.selected = selected(); });
  // Reached with the keyboard, the text gets a caret like a box that cannot be written in, for as long as it has focus.
  const edit = (text, on) => {
    if (on === (text.contentEditable === 'true')) return;
    text.contentEditable = on ? 'true' : 'inherit';
    const told = {role: 'textbox', 'aria-multiline': true, 'aria-readonly': true, inputmode: 'none', spellcheck: false};
    for (const [name, value] of Object.entries(told)) on ? text.setAttribute(name, value) : text.removeAttribute(name);
    const s = getSelection();
    if (on && !text.contains(s.anchorNode)) s.collapse(text, 0);
  };
  const reach = text => {
    text.tabIndex = 0;
    text.setAttribute('aria-label', 'The text: Shift and the arrow keys select, Enter marks');
    text.addEventListener('focus', () => { if (text.matches(':focus-visible')) edit(text, true); });
    text.addEventListener('pointerdown', () => edit(text, false));
    text.addEventListener('blur', () => edit(text, false));
    text.addEventListener('beforeinput', e => e.preventDefault());
    text.addEventListener('keydown', e => {
      if (e.key !== 'Enter') return;
      e.preventDefault();
      window.fakenews.selected = selected();  // the browser tells of a selection a moment later
      document.querySelector('#fn-mark')?.click();
    });
  };
  const draw = () => {
    const list = document.querySelector('#fn-marks [data-spans]'), text = inText();
    if (text && text.tabIndex !== 0) reach(text);
    if (!window.Highlight || !text) return;
    const spans = list ? list.dataset.spans.split(' ').map(s => s.split('-').map(Number)) : [];
    const ranges = spans.map(([from, to]) => {
      const range = document.createRange();
      const walker = document.createTreeWalker(text, NodeFilter.SHOW_TEXT);
      let at = 0, node;
      while ((node = walker.nextNode())) {
        const chars = [...node.data], end = at + chars.length;
        if (from >= at && from < end) range.setStart(node, chars.slice(0, from - at).join('').length);
        if (to > at && to <= end) { range.setEnd(node, chars.slice(0, to - at).join('').length); break; }
        at = end;
      }
      return range;
    });
    CSS.highlights.set('fn-mine', new Highlight(...ranges));
  };
  new MutationObserver(draw).observe(document.body, {childList: true, subtree: true});
}
