// What the other scripts share, and what Gradio leaves undone.
Object.assign(window.fakenews, {
  // Gives focus to something else once what was pressed is gone, which may take Gradio a while; nobody else loses it.
  refocus: selector => {
    const pressed = document.activeElement;
    let frames = 120;
    const step = () => {
      if (document.activeElement === document.body) document.querySelector(selector)?.focus();
      else if (document.activeElement === pressed && frames-- > 0) requestAnimationFrame(step);
    };
    requestAnimationFrame(() => requestAnimationFrame(step));
  },
  // The reader's review outlives a reload of the page, in this tab of the browser alone.
  reviewKey: () => 'fakenews-review-' + new URLSearchParams(location.search).get('a'),
  // Says, without the server, that the boxes hold another text than what stands beside them is about; `shown` is that
  // one. It waits a moment: an example that replaces the text is analysed at once.
  look: (title, body) => {
    const joined = ([title, body]) => (title?.trim() ? title + '\n\n' : '') + body;
    const text = boxes => joined(boxes).replace(/\r\n?/g, '\n');
    const {shown} = window.fakenews;
    clearTimeout(window.fakenews.looking);
    window.fakenews.looking = setTimeout(() => {
      const results = document.querySelector('#fn-result .fn-answer') && shown;
      const changed = Boolean(results) && text([title, body ?? '']) !== text(shown);
      document.querySelector('#fn-main').toggleAttribute('data-changed', changed);
      document.querySelector('#fn-changed [role=status]').textContent =
        changed ? 'The text was changed since; press Analyse to ask the models about it.' : '';
    }, 300);
  },
});

// Under a link, the page shows what was shared and nothing else.
if (new URLSearchParams(location.search).get('a')) document.documentElement.classList.add('fn-linked');

// ⌘⏎ or Ctrl-⏎ analyses what is in the box while that is seen.
document.addEventListener('keydown', e => {
  const analyse = document.querySelector('#fn-analyse');
  if (e.key === 'Enter' && (e.metaKey || e.ctrlKey) && analyse?.offsetParent) analyse.click();
});

// Whenever Gradio draws: the radios of a group share a name, so that they are one stop for the keyboard with arrows
// between them, and the group is named by its label; what opens says whether it is open; a place for files is named by
// what it says.
let groups = 0;
const mend = () => {
  for (const radio of document.querySelectorAll('fieldset input[type=radio]')) {
    const group = radio.closest('fieldset'), label = group.querySelector('[data-testid=block-info]');
    if (!label) continue;
    label.id ||= `fn-group-${++groups}`;
    if (radio.name !== label.id) radio.name = label.id;
    group.setAttribute('aria-labelledby', label.id);
  }
  for (const b of document.querySelectorAll('.label-wrap')) b.ariaExpanded = b.classList.contains('open');
  for (const b of document.querySelectorAll('.upload-container[aria-label]')) b.removeAttribute('aria-label');
};
new MutationObserver(mend).observe(document, {
  childList: true, subtree: true, attributes: true, attributeFilter: ['name', 'class'],
});
