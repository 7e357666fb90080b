// Zoom and move all views of a figure together, by changing the visible part of each drawing. Without this script the page
// looks the same, but zoom and opacity do not work.
"use strict";
for (const figure of document.querySelectorAll("figure.images")) {
  const views = [...figure.querySelectorAll(".view svg")];
  const width = Number(views[0].dataset.width), height = Number(views[0].dataset.height);
  let part = { x: 0, y: 0, scale: 1 }, drag = null, moved = false;

  const show = () => {
    const most = 1 - 1 / part.scale;
    part.x = Math.min(Math.max(part.x, 0), most * width);
    part.y = Math.min(Math.max(part.y, 0), most * height);
    for (const view of views) {
      view.setAttribute("viewBox", `${part.x} ${part.y} ${width / part.scale} ${height / part.scale}`);
      view.classList.toggle("grab", part.scale > 1);
    }
  };
  // Keep the point at (across, down), shares of the view, where it is.
  const zoom = (factor, across = 0.5, down = 0.5) => {
    const scale = Math.min(Math.max(part.scale * factor, 1), 32);
    part.x += across * width * (1 / part.scale - 1 / scale);
    part.y += down * height * (1 / part.scale - 1 / scale);
    part.scale = scale;
    show();
  };
  const at = (event) => {
    const box = event.currentTarget.getBoundingClientRect();
    return [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
  };

  figure.querySelector(".zoom").hidden = false;
  for (const button of figure.querySelectorAll("button")) {
    button.addEventListener("click", () => zoom(Number(button.dataset.zoom)));
  }
  figure.querySelector("input[type=range]").addEventListener("input", (event) => {
    for (const over of figure.querySelectorAll(".over")) over.style.opacity = event.target.value / 100;
  });
  for (const view of views) {
    view.addEventListener("click", (event) => {
      if (!moved) zoom(event.shiftKey ? 0.5 : 2, ...at(event));
      moved = false;
    });
    view.addEventListener("wheel", (event) => {
      if (!event.ctrlKey && !event.metaKey) return; // the page scrolls
      event.preventDefault();
      zoom(event.deltaY < 0 ? 1.25 : 0.8, ...at(event));
    }, { passive: false });
    view.addEventListener("keydown", (event) => {
      const steps = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
      if (event.key === "+" || event.key === "=") zoom(2);
      else if (event.key === "-") zoom(0.5);
      else if (event.key === "Escape" || event.key === "0") zoom(0);
      else if (event.key in steps && part.scale > 1) {
        part.x += steps[event.key][0] * width / part.scale / 8;
        part.y += steps[event.key][1] * height / part.scale / 8;
        show();
      } else return;
      event.preventDefault();
    });
    view.addEventListener("pointerdown", (event) => {
      moved = false;
      if (part.scale > 1) drag = { x: event.clientX, y: event.clientY, from: { ...part } };
    });
    view.addEventListener("pointermove", (event) => {
      if (!drag) return;
      const size = view.getBoundingClientRect();
      const across = event.clientX - drag.x, down = event.clientY - drag.y;
      if (!moved && Math.hypot(across, down) < 4) return;
      if (!moved) view.setPointerCapture(event.pointerId);
      moved = true;
      part.x = drag.from.x - across / size.width * width / part.scale;
      part.y = drag.from.y - down / size.height * height / part.scale;
      show();
    });
    for (const end of ["pointerup", "pointercancel"]) view.addEventListener(end, () => { drag = null; });
  }
}
