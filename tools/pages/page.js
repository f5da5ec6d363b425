// A click on a picture fills the window with it; a second click or Escape puts it back. On a phone, one that
// would be too small to read is as wide as two screens, and scrolls.
(function () {
  "use strict";
  const dialog = document.createElement("dialog");
  dialog.className = "zoom";
  document.body.append(dialog);
  dialog.onclick = () => dialog.close();
  const open = (picture) => {
    dialog.replaceChildren(picture.cloneNode(true));
    dialog.showModal();
  };
  for (const picture of document.querySelectorAll(".picture > img, .picture > svg")) {
    picture.setAttribute("tabindex", "0");
    picture.decode?.().then(() => picture.classList.toggle("wide", picture.naturalWidth > 900), () => {});
    picture.onclick = () => open(picture);
    picture.onkeydown = (event) => { if (event.key === "Enter") open(picture); };
  }
})();
