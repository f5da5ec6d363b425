// The chapter's blocks, dealt out to slides: the breaks, the size of the letters and the columns that cost least.
(function () {
  "use strict";
  const WIDTH = 1280, HEIGHT = 720, INNER = 1160, ROOM = 584, GAP = 0.6, GUTTER = 36;
  const SPLITS = [[420, 704], [500, 624], [562, 562], [624, 500], [704, 420]];  // left and right column
  // Letters in pixels, code relative to them, and what it costs to be so small.
  const LEVELS = [[26, 0.8, 0], [24, 0.8, 0.1], [22, 0.8, 0.35], [20, 0.8, 0.8], [20, 0.7, 1.1], [18, 0.8, 1.5], [18, 0.73, 1.9]];
  const CODE = 13;      // code is never smaller, but scrolls
  const SLIDE = 1.5;    // what one more slide costs
  const EMPTY = 5;      // ... an empty one
  const TORN = 8;       // ... parting what belongs together
  const main = document.querySelector("main");
  const make = (tag, name, parent) => {
    const element = document.createElement(tag);
    element.className = name;
    if (parent) parent.append(element);
    return element;
  };

  // ---- the blocks

  function kind(block) {
    if (/^H[1-6]$/.test(block.tagName)) return "head";
    if (block.classList.contains("picture") || block.querySelector(".picture, :scope > img")) return "picture";
    if (block.classList.contains("output")) return "output";
    if (block.classList.contains("code") || block.tagName === "PRE" || block.classList.contains("highlight")) return "code";
    return block.classList.contains("equation") ? "equation" : "text";
  }

  // source(f) shows f: on a slide the answer is enough.
  const onlyAsks = (block) => block.classList.contains("code") && block.tagName !== "DETAILS" &&
    block.textContent.trim().split("\n").every((line) => /^(|from .*|import .*|source\([\w., ]+\))$/.test(line)) &&
    /^source\(/m.test(block.textContent);
  const isCaption = (block) => block.tagName === "P" && block.childElementCount === 1 && block.firstElementChild.matches("em") &&
    block.textContent.trim() === block.firstElementChild.textContent.trim();

  function sections() {  // [heading, atoms] for each h1 and h2; a picture and its caption are one atom
    const found = [];
    for (const block of Array.from(main.children)) {
      block.remove();
      if (/^H[12]$/.test(block.tagName) || !found.length) {
        found.push({ title: /^H[12]$/.test(block.tagName) ? block : null, atoms: [] });
        if (found[found.length - 1].title) continue;
      }
      const atoms = found[found.length - 1].atoms, last = atoms[atoms.length - 1];
      if (onlyAsks(block)) continue;
      if (last && last.kind === "picture" && isCaption(block)) last.caption = block;
      else atoms.push({ block, kind: kind(block), caption: null, heights: {}, squeezed: {} });
    }
    return found;
  }

  function tear(above, below) {  // what it costs to part two neighbours
    const text = above.block.textContent.trim(), pair = `${above.kind} ${below.kind}`;
    if (above.kind === "head") return 1e6;
    if (below.kind === "head") return -0.8;
    if (/^(code|output) (output|picture)$/.test(pair) && below.block.classList.contains("output")) return TORN;
    if (above.kind === "text" && /:$/.test(text)) return TORN;
    if (pair === "text equation" && !/[.?!]$/.test(text)) return TORN;
    if (pair === "equation text" && /^[a-z]/.test(below.block.textContent.trim())) return TORN;
    return { "text code": 2, "text picture": 2, "text equation": 2, "output text": 1, "picture text": 0.8 }[pair] || 0.4;
  }

  // ---- heights

  let advance = 0.6;  // width of one letter of code, relative to its height
  function fitCode(block, width, size, ratio) {  // code as small as its longest line wants: the smallest size wanted
    let least = ratio * size;
    for (const pre of block.matches("pre") ? [block] : block.querySelectorAll("pre")) {
      const longest = Math.max(1, ...pre.textContent.split("\n").map((line) => line.length));
      const wanted = Math.min(ratio * size, (width - 44) / (longest * advance));
      least = Math.min(least, wanted);
      pre.style.fontSize = `${Math.max(CODE, Math.floor(wanted * 10) / 10)}px`;
    }
    return least;
  }

  function measure(atoms) {
    const ruler = make("div", "column ruler", main);
    const letters = make("pre", "", ruler);
    letters.style.cssText = "font-size: 100px; width: max-content; padding: 0";
    letters.textContent = "0".repeat(10);
    advance = letters.getBoundingClientRect().width / 1000;
    letters.remove();
    const blocks = atoms.map((atom) => (atom.kind === "picture" ? atom.caption : atom.block));
    for (const atom of atoms) {
      if (atom.kind !== "picture") continue;
      ruler.append(atom.block);
      atom.image = atom.block.querySelector("img, svg") || atom.block;
      const box = atom.image.getBoundingClientRect();
      atom.natural = atom.image.naturalWidth || box.width;
      atom.aspect = atom.image.naturalWidth ? atom.image.naturalWidth / atom.image.naturalHeight : box.width / box.height;
      atom.block.remove();
    }
    for (const block of blocks) if (block) ruler.append(block);
    for (const width of [INNER, ...new Set(SPLITS.flat())]) {
      ruler.style.width = `${width}px`;
      for (const [size, ratio] of LEVELS) {
        ruler.style.fontSize = `${size}px`;
        const letters = blocks.map((block) => (block ? fitCode(block, width, size, ratio) : size));
        blocks.forEach((block, k) => {
          const wide = block && width < INNER && (letters[k] < CODE || wideFormula(block));
          const key = `${width} ${size} ${ratio}`;
          atoms[k].heights[key] = !block ? 0 : wide ? Infinity : block.offsetHeight + 0.5;
          atoms[k].squeezed[key] = Math.max(0, 0.95 - letters[k] / (ratio * size));
        });
      }
    }
    ruler.remove();
  }

  function wideFormula(block) {
    const box = block.querySelector(":scope > .formula");
    return Boolean(box) && box.scrollWidth > box.clientWidth + 1;
  }

  // ---- one slide

  // The height of some atoms under each other, a picture as large as the room allows; null where they do not fit.
  function stack(atoms, width, level) {
    const [size, ratio] = level, key = `${width} ${size} ${ratio}`;
    const picture = atoms.filter((atom) => atom.kind === "picture");
    if (picture.length > 1) return null;
    const gaps = (atoms.length - 1 + (picture.length && picture[0].caption ? 1 : 0)) * GAP * size;
    let height = atoms.reduce((sum, atom) => sum + atom.heights[key], gaps), shown = 0;
    let cost = 4 * Math.max(...atoms.map((atom) => atom.squeezed[key]));
    if (picture.length) {
      const { natural, aspect } = picture[0];
      shown = Math.min(width, (ROOM - height) * aspect, natural * 1.5);
      if (shown < 0.55 * Math.min(natural, 1000)) return null;
      cost += 7 * Math.max(0, 0.95 - shown / Math.min(natural, 1000));
      height += shown / aspect;
    }
    return height <= ROOM ? { height, cost, shown } : null;
  }

  function bestSlide(atoms) {
    let best = { cost: Infinity };
    const offer = (cost, slide) => { if (cost < best.cost) best = { cost, ...slide }; };
    for (const level of LEVELS) {
      const one = stack(atoms, INNER, level);
      if (one) offer(level[2] + one.cost + EMPTY * (1 - one.height / ROOM) ** 2, { level, shown: one.shown });
      for (let at = 1; at < atoms.length; at++) {
        if (!/^(picture|output|code)$/.test(atoms[at].kind) || atoms[at - 1].kind === "head") continue;
        for (const widths of SPLITS) {
          const left = stack(atoms.slice(0, at), widths[0], level), right = stack(atoms.slice(at), widths[1], level);
          if (!left || !right) continue;
          const full = (left.height * widths[0] + right.height * widths[1]) / (ROOM * (widths[0] + widths[1]));
          const picture = atoms[at].kind === "picture" ? 0 : 0.5;
          offer(level[2] + left.cost + right.cost + picture + EMPTY * (1 - full) ** 2, { level, at, widths, shown: left.shown || right.shown });
        }
      }
    }
    const last = atoms[atoms.length - 1];
    if (best.cost === Infinity && last.kind !== "picture" && !atoms.some((atom) => atom.kind === "picture")) {  // the last block scrolls
      const level = LEVELS[LEVELS.length - 1], key = `${INNER} ${level[0]} ${level[1]}`;
      const above = atoms.slice(0, -1).reduce((sum, atom) => sum + atom.heights[key] + GAP * level[0], 0);
      if (above < ROOM / 3 && last.heights[key] > ROOM / 2) offer(4 + (above + last.heights[key]) / ROOM, { level, tall: true, shown: 0 });
    }
    if (best.cost === Infinity && atoms.length === 1) {  // whatever it is, it gets a slide
      const picture = last.kind === "picture";
      offer(20, { level: LEVELS[LEVELS.length - 1], tall: !picture, shown: picture ? Math.min(INNER, 0.85 * ROOM * last.aspect) : 0 });
    }
    return best;
  }

  // ---- the breaks of a section: cheapest[j] is the least that the first j atoms can cost

  function deal(atoms) {
    const cheapest = [{ cost: 0 }];
    for (let j = 1; j <= atoms.length; j++) {
      cheapest[j] = { cost: Infinity };
      for (let i = j - 1; i >= 0 && i >= j - 14; i--) {
        const slide = bestSlide(atoms.slice(i, j));
        const torn = j < atoms.length ? tear(atoms[j - 1], atoms[j]) : 0;
        const cost = cheapest[i].cost + SLIDE + torn + slide.cost;
        if (cost < cheapest[j].cost) cheapest[j] = { cost, slide: { ...slide, atoms: atoms.slice(i, j) }, from: i };
      }
    }
    const slides = [];
    for (let j = atoms.length; j > 0; j = cheapest[j].from) slides.unshift(cheapest[j].slide);
    return slides;
  }

  function fill(column, atoms, width, slide) {
    for (const atom of atoms) {
      if (atom.kind === "picture") {
        atom.image.style.width = `${Math.floor(slide.shown)}px`;
        atom.image.style.height = "auto";
      } else fitCode(atom.block, width, ...slide.level);
      column.append(atom.block);
      if (atom.caption) column.append(atom.caption);
    }
  }

  function evenOut(body) {  // printed output is not much larger than the code beside it
    const sizes = Array.from(body.querySelectorAll(".code pre"), (pre) => parseFloat(pre.style.fontSize));
    for (const pre of body.querySelectorAll(".output pre")) {
      pre.style.fontSize = `${Math.min(parseFloat(pre.style.fontSize), 1.15 * Math.min(...sizes, 100))}px`;
    }
  }

  function paginate() {
    const parts = sections(), made = [];
    measure(parts.flatMap((part) => part.atoms));
    for (const { title, atoms } of parts) {
      const slides = atoms.length ? deal(atoms) : [{ atoms: [], level: LEVELS[0] }];
      slides.forEach((slide, k) => {
        const section = make("section", "slide", main);
        const header = make("header", "", section);
        if (title) header.append(k ? title.cloneNode(true) : title);
        if (k && title) header.firstElementChild.removeAttribute("id");
        if (slides.length > 1) make("span", "part", header).textContent = `${k + 1}/${slides.length}`;
        const body = make("div", "body", section);
        body.style.fontSize = `${slide.level[0]}px`;
        if (slide.at) {
          body.style.gridTemplateColumns = slide.widths.map((width) => `${width}px`).join(" ");
          body.classList.add("split");
          fill(make("div", "column", body), slide.atoms.slice(0, slide.at), slide.widths[0], slide);
          fill(make("div", "column", body), slide.atoms.slice(slide.at), slide.widths[1], slide);
        } else {
          body.classList.add("column");
          fill(body, slide.atoms, INNER, slide);
        }
        evenOut(body);
        if (slide.tall) body.lastElementChild.classList.add("tall");
        made.push(section);
      });
    }
    made.forEach((section, k) => { make("footer", "", section).textContent = `${k + 1} / ${made.length}`; });
    for (const block of main.querySelectorAll(".tall")) {  // on paper nothing scrolls
      const slide = block.closest(".slide");
      slide.classList.add("shown");
      block.style.setProperty("--fit", Math.min(1, block.clientHeight / block.scrollHeight).toFixed(3));
      slide.classList.remove("shown");
    }
    return made;
  }

  // ---- showing them

  function start() {
    const stage = make("div", "");
    stage.id = "stage";
    main.before(stage);
    stage.append(main);
    const slides = paginate();
    let at = -1;
    const bar = make("div", "", document.body);
    bar.id = "bar";
    bar.innerHTML = '<a href="../PAGE">text</a><button aria-label="back">&lsaquo;</button><button aria-label="on">&rsaquo;</button>';
    const [back, on] = bar.querySelectorAll("button");
    function show(k) {
      k = Math.max(0, Math.min(slides.length - 1, k || 0));
      if (k === at) return;
      at = k;
      slides.forEach((slide, i) => slide.classList.toggle("shown", i === k));
      history.replaceState(null, "", "#" + (k + 1));
    }
    function fit() {
      const scale = Math.min(innerWidth / WIDTH, innerHeight / HEIGHT);
      stage.style.transform = `scale(${scale}) translate(-50%, -50%)`;
    }
    back.onclick = () => show(at - 1);
    on.onclick = () => show(at + 1);
    stage.onclick = (event) => {  // the left quarter goes back; what can be used or is being copied does not turn the page
      if (event.target.closest("a, button, input, summary, details[open]") || String(getSelection())) return;
      show(at + (event.clientX < innerWidth / 4 ? -1 : 1));
    };
    addEventListener("resize", fit);
    addEventListener("hashchange", () => show(Number(location.hash.slice(1)) - 1));
    addEventListener("keydown", (event) => {
      if (event.target.matches("button, summary, a") && /^( |Enter)$/.test(event.key)) return;
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
