// Tells Python which cell of the confusion matrix was clicked; plotly draws it anew on every change.
(element, trigger) => {
  const wire = () => {
    const plot = document.querySelector('#fn-matrix .js-plotly-plot');
    if (plot && plot.on && !plot.dataset.wired) {
      plot.dataset.wired = '1';
      plot.on('plotly_click', e => trigger('click', {key: e.points[0].y + ',' + e.points[0].x}));
    }
  };
  new MutationObserver(wire).observe(document.body, {childList: true, subtree: true});
  wire();
}
