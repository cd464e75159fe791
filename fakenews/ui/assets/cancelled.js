// The button hides once the work has ended, however long that takes; focus then goes to the method that is shown.
() => {
  const status = document.querySelector('#fn-status');
  new MutationObserver((_, watching) => {
    if (status.querySelector('progress')) return;
    watching.disconnect();
    window.fakenews.refocus('#fn-method input:checked');
  }).observe(status, {childList: true, subtree: true});
}
