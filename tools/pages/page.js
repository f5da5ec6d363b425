// A click on a picture shows it as large as it is drawn, or larger; a second click or Escape puts it back.
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
    picture.onclick = () => open(picture);
    picture.onkeydown = (event) => { if (event.key === "Enter") open(picture); };
  }
})();
