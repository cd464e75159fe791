// Hands a file to the browser without one on the server.
packed => {
  if (!packed) return;
  const {name, type, content, bytes} = JSON.parse(packed);
  const a = document.createElement('a');
  const part = bytes ? Uint8Array.from(atob(bytes), c => c.charCodeAt(0)) : content;
  a.href = URL.createObjectURL(new Blob([part], {type}));
  a.download = name;
  a.click();
  setTimeout(() => URL.revokeObjectURL(a.href), 10000);
}
