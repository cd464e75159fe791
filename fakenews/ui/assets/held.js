// What stands beneath may not move up as the words on an address go.
() => {
  const place = document.querySelector('#fn-fetched');
  place.style.minHeight = `${place.offsetHeight}px`;
}
