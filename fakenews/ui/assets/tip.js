// One tooltip for all of the page.
window.fakenews = {
  // A text over what it is about, or beneath where there is no room.
  tip: () => {
    let tip = document.querySelector('#fn-tip');
    if (!tip) {
      tip = Object.assign(document.createElement('div'), {id: 'fn-tip', role: 'tooltip', hidden: true});
      document.querySelector('.gradio-container').append(tip);
      tip.addEventListener('pointerleave', () => { tip.hidden = true; });
    }
    return tip;
  },
  tell: (element, text) => {
    const tip = window.fakenews.tip();
    tip.hidden = !text;
    if (!text) return;
    tip.textContent = text;
    const at = element.getClientRects()[0], over = at.top - tip.offsetHeight - 4;
    const left = Math.min(at.left, innerWidth - tip.offsetWidth - 8);
    tip.style.left = `${Math.max(8, left) + scrollX}px`;
    tip.style.top = `${(over > 0 ? over : at.bottom + 4) + scrollY}px`;
  },
};

// What a title explains to the pointer, the tooltip explains to whoever comes with the keyboard or a finger.
document.addEventListener('focusin', e => {
  if (!e.target.title || !(e.target.matches('abbr') || e.target.matches(':focus-visible'))) return;
  e.target.setAttribute('aria-describedby', 'fn-tip');
  window.fakenews.tell(e.target, e.target.title);
});
document.addEventListener('focusout', e => { if (e.target.title) window.fakenews.tip().hidden = true; });
document.addEventListener('keydown', e => { if (e.key === 'Escape') window.fakenews.tip().hidden = true; });
