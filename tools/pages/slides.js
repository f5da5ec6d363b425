// The chapter's blocks, dealt out to slides: one for each heading, and more where a section is too tall.
(function () {
  "use strict";
  const WIDTH = 1280, HEIGHT = 720, ROOM = HEIGHT - 44 - 56;
  const main = document.querySelector("main");
  const stage = document.createElement("div");
  stage.id = "stage";
  main.before(stage);
  stage.append(main);

  const isHeading = (block) => /^H[1-3]$/.test(block.tagName);
  const open = () => {
    const slide = document.createElement("section");
    slide.className = "slide shown";
    main.append(slide);
    return slide;
  };

  // Blocks that belong together stay together: a cell with its output, a picture with its caption.
  function keepsWithNext(block, next) {
    if (!next || isHeading(next)) return false;
    if (isHeading(block)) return true;
    if (block.classList.contains("code") && next.classList.contains("output")) return true;
    const picture = block.querySelector(":scope > img:only-child");
    return Boolean(picture) && Boolean(next.querySelector(":scope > em:only-child"));
  }

  function shrink(block, room) {  // one block taller than a slide: smaller, down to a half
    const height = block.getBoundingClientRect().height;
    if (height > room) block.style.zoom = Math.max(0.5, room / height);
  }

  function narrow(pre) {  // code wider than a slide: smaller
    const size = parseFloat(getComputedStyle(pre).fontSize), ratio = pre.clientWidth / pre.scrollWidth;
    if (ratio < 1) pre.style.fontSize = `${Math.max(13, Math.floor(10 * size * ratio) / 10)}px`;
  }

  function paginate() {
    main.querySelectorAll("pre").forEach(narrow);
    const blocks = Array.from(main.children);
    blocks.forEach((block) => block.remove());
    const groups = [];
    for (let i = 0; i < blocks.length; i++) {
      if (i && keepsWithNext(blocks[i - 1], blocks[i])) groups[groups.length - 1].push(blocks[i]);
      else groups.push([blocks[i]]);
    }
    let slide = null, heading = null;
    const sections = [];
    const start = (first) => {
      slide = open();
      if (first) sections.push([slide]);
      else {
        sections[sections.length - 1].push(slide);
        if (heading) {
          const again = heading.cloneNode(true);
          again.removeAttribute("id");
          slide.append(again);
        }
      }
    };
    const full = () => slide.getBoundingClientRect().height > ROOM;
    for (const group of groups) {
      const first = isHeading(group[0]) || !slide;
      if (first) {
        heading = isHeading(group[0]) ? group[0] : null;
        start(true);
      }
      const before = slide.childElementCount;
      slide.append(...group);
      if (!first && full() && before > (heading ? 1 : 0)) {
        group.forEach((block) => block.remove());
        start(false);
        slide.append(...group);
      }
      // A group too tall for a slide of its own: block by block, each as small as it must be.
      const head = () => (heading ? slide.firstElementChild.getBoundingClientRect().height + 24 : 0);
      for (let i = 1; full() && i < group.length; i++) {
        if (isHeading(group[i - 1])) continue;
        const rest = group.slice(i);
        rest.forEach((block) => block.remove());
        group.slice(0, i).forEach((block) => { if (!isHeading(block)) shrink(block, ROOM - head()); });
        start(false);
        slide.append(...rest);
      }
      if (full()) group.forEach((block) => { if (!isHeading(block)) shrink(block, ROOM - head()); });
    }
    for (const slides of sections) {
      if (slides.length < 2) continue;
      slides.forEach((one, k) => {
        const title = one.firstElementChild;
        if (isHeading(title)) title.insertAdjacentHTML("beforeend", ` <span class="part">${k + 1}/${slides.length}</span>`);
      });
    }
    return sections.flat();
  }

  function start() {
    const slides = paginate();
    let at = -1;
    const bar = document.createElement("div");
    bar.id = "bar";
    bar.innerHTML = '<a href="../PAGE">text</a><button aria-label="back">&lsaquo;</button><span></span><button aria-label="on">&rsaquo;</button>';
    document.body.append(bar);
    const [back, on] = bar.querySelectorAll("button");
    const count = bar.querySelector("span");
    function show(k) {
      k = Math.max(0, Math.min(slides.length - 1, k));
      if (k === at) return;
      at = k;
      slides.forEach((slide, i) => slide.classList.toggle("shown", i === k));
      stage.classList.toggle("one", slides[k].getBoundingClientRect().height > ROOM * scale() + 1);
      stage.scrollTop = 0;
      count.textContent = `${k + 1} / ${slides.length}`;
      history.replaceState(null, "", "#" + (k + 1));
    }
    const scale = () => Math.min(innerWidth / WIDTH, innerHeight / HEIGHT);
    function fit() {
      stage.style.transform = `scale(${scale()}) translate(-50%, -50%)`;
    }
    back.onclick = () => show(at - 1);
    on.onclick = () => show(at + 1);
    addEventListener("resize", fit);
    addEventListener("hashchange", () => show(Number(location.hash.slice(1)) - 1));
    addEventListener("keydown", (event) => {
      if (event.target.matches("input, button, summary") && event.key === " ") return;
      if (event.target.matches("input")) return;
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      const go = { ArrowRight: 1, ArrowDown: 1, PageDown: 1, " ": 1, ArrowLeft: -1, ArrowUp: -1, PageUp: -1 }[event.key];
      if (go) show(at + go);
      else if (event.key === "Home") show(0);
      else if (event.key === "End") show(slides.length - 1);
      else if (event.key === "f") document.documentElement.requestFullscreen();
      else return;
      event.preventDefault();
    });
    fit();
    show((Number(location.hash.slice(1)) || 1) - 1);
  }

  // Heights are known once the pictures are decoded.
  Promise.all(Array.from(document.images, (image) => image.decode().catch(() => {}))).then(start);
})();
