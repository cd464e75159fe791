// A box can be typed into without bounds: what is asked about, last of the values, is the number it shows once left.
({lowest, highest}, ...values) => {
  const number = Math.round(100 * values.pop()) / 100;
  return [...values, Math.min(highest, Math.max(lowest, number))];
}
