"""Theme and style sheet of the page: system fonts, one accent, orange for fake and blue for real in both themes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fakenews.config import REPOSITORY

if TYPE_CHECKING:
    import gradio as gr

SANS = ("system-ui", "-apple-system", "Segoe UI", "Roboto", "Helvetica Neue", "Arial", "sans-serif")
CSS = REPOSITORY / "assets" / "page.css"
REPORT_CSS = REPOSITORY / "assets" / "report.css"
MONO = ("ui-monospace", "SFMono-Regular", "Menlo", "Consolas", "monospace")

# ⌘⏎ or Ctrl-⏎ analyses what is in the box while that is seen; under a link, the page shows what was shared and nothing
# else (a style here, because Gradio confines its style sheets to what lies inside its container). What Gradio leaves
# undone is done whenever it draws: the radios of a group share a name, so that they are one stop for the keyboard with
# arrows between them, and the group is named by its label; what opens says whether it is open; a place for files is
# named by what it says.
HEAD = """<style>
#fn-linked, .fn-linked #fn-main { display: none !important; }
.fn-linked #fn-linked { display: flex !important; }
</style>
<script>
if (new URLSearchParams(location.search).get('a')) document.documentElement.classList.add('fn-linked');
document.addEventListener('keydown', e => {
  const analyse = document.querySelector('#fn-analyse');
  if (e.key === 'Enter' && (e.metaKey || e.ctrlKey) && analyse?.offsetParent) analyse.click();
});
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
</script>"""


def theme() -> gr.themes.Base:
    """A bare theme: the palette above through Gradio's own variables, so that its components follow."""
    import gradio as gr

    return gr.themes.Base(font=SANS, font_mono=MONO).set(
        body_background_fill="var(--fn-paper)",
        body_background_fill_dark="var(--fn-paper)",
        body_text_color="var(--fn-ink)",
        body_text_color_dark="var(--fn-ink)",
        body_text_color_subdued="var(--fn-soft)",
        body_text_color_subdued_dark="var(--fn-soft)",
        background_fill_primary="var(--fn-paper)",
        background_fill_primary_dark="var(--fn-paper)",
        background_fill_secondary="var(--fn-wash)",
        background_fill_secondary_dark="var(--fn-wash)",
        border_color_primary="var(--fn-line)",
        border_color_primary_dark="var(--fn-line)",
        block_background_fill="transparent",
        block_background_fill_dark="transparent",
        block_border_width="0px",
        block_shadow="none",
        input_background_fill="var(--fn-paper)",
        input_background_fill_dark="var(--fn-paper)",
        input_placeholder_color="var(--fn-soft)",
        input_placeholder_color_dark="var(--fn-soft)",
        color_accent="var(--fn-ink)",
        color_accent_soft="var(--fn-wash)",
        color_accent_soft_dark="var(--fn-wash)",
        loader_color="var(--fn-ink)",
    )
