// Opens and folds what stands behind one line on a phone.
({what, by}) => {
  document.querySelector(by).ariaExpanded = document.querySelector(what).classList.toggle('fn-open');
}
