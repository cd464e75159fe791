// Analyses what was put into the box from another tab.
() => {
  document.querySelector('#fn-analyse').click();
  window.scrollTo(0, 0);
}
