// Shows the box, the article, or the article whose words can be struck out, and brings focus there.
({mode, focus}) => {
  document.querySelector('#fn-main').dataset.mode = mode;
  if (focus) window.fakenews.refocus(focus);
}
