// What a keyboard and a screen reader meet on a page. Each function returns a list of findings.
(() => {
  const visible = (e) => {
    const box = e.getBoundingClientRect();
    if (!box.width || !box.height) return false;
    return e.checkVisibility({ opacityProperty: true, visibilityProperty: true });
  };
  const text = (e) => (e ? e.textContent.trim() : "");
  const name = (e) => {
    const by = (e.getAttribute("aria-labelledby") || "").split(/\s+/).filter(Boolean);
    const labels = e.labels ? [...e.labels].map(text).join(" ") : "";
    const alone = ["INPUT", "TEXTAREA", "SELECT"].includes(e.tagName) ? "" : text(e);
    return [
      e.getAttribute("aria-label"), by.map((id) => text(document.getElementById(id))).join(" "),
      labels, e.getAttribute("alt"), e.getAttribute("title"), alone,
      ...[...e.querySelectorAll("img[alt],svg[aria-label],svg title")]
        .map((i) => i.getAttribute("alt") || i.getAttribute("aria-label") || text(i)),
    ].map((s) => (s || "").trim()).find(Boolean) || "";
  };
  const told = (e) => {
    const test = e.closest("[data-testid]");
    return `${e.tagName.toLowerCase()}${e.id ? "" : ""} in ${test ? test.dataset.testid : "?"}` +
      ` «${(name(e) || text(e)).slice(0, 40)}»`;
  };
  const INTERACTIVE = "button,input,select,textarea,a[href],[role=button],[role=combobox]," +
    "[role=radio],[role=tab],[role=grid],summary,img,[role=img],iframe";

  const names = () => [...document.querySelectorAll(INTERACTIVE)]
    .filter((e) => e.type !== "hidden" && (visible(e) || e.type === "file"))
    .filter((e) => !e.closest("[aria-hidden=true]") && e.getAttribute("role") !== "presentation")
    .filter((e) => !(e.tagName === "IMG" && e.getAttribute("alt") === ""))
    .filter((e) => !name(e)).map(told);

  const headings = () => {
    const levels = [...document.querySelectorAll("h1,h2,h3,h4,h5,h6")].filter(visible)
      .map((e) => [Number(e.tagName[1]), text(e)]);
    const found = [];
    if (levels.filter(([level]) => level === 1).length !== 1) found.push("not one h1");
    if (levels.length && levels[0][0] !== 1) found.push(`first is h${levels[0][0]}`);
    levels.reduce((before, [level, said]) => {
      if (level > before + 1) found.push(`h${level} after h${before}: ${said.slice(0, 40)}`);
      return level;
    }, 0);
    return found;
  };

  const channels = (color) => {
    const [r, g, b, a = 1] = color.match(/[\d.]+/g).map(Number);
    const scale = color.startsWith("color(") ? 255 : 1;
    return [r * scale, g * scale, b * scale, a];
  };
  const over = (top, under) => top.slice(0, 3).map((c, i) => c * top[3] + under[i] * (1 - top[3]));
  const ground = (e) => {
    const layers = [];
    for (let at = e; at; at = at.parentElement) {
      const layer = channels(getComputedStyle(at).backgroundColor);
      if (layer[3] > 0) layers.push(layer);
      if (layer[3] === 1) break;
    }
    return layers.reverse().reduce((under, top) => over(top, under), [255, 255, 255]);
  };
  const luminance = (rgb) => {
    const [r, g, b] = rgb.map((c) => c / 255)
      .map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const contrast = () => {
    const found = new Map();
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
      const e = walker.currentNode.parentElement;
      const said = walker.currentNode.data.trim();
      if (!said || !e || !visible(e) || e.closest("style,script,canvas,table[role=grid],[aria-hidden=true]")) continue;
      if (e.closest(":disabled,[aria-disabled=true]")) continue;
      const style = getComputedStyle(e);
      let alpha = 1;
      for (let at = e; at; at = at.parentElement) alpha *= Number(getComputedStyle(at).opacity);
      const back = ground(e);
      const ink = channels(style.color);
      const front = over([...ink.slice(0, 3), ink[3] * alpha], back);
      const [light, dark] = [luminance(front), luminance(back)].sort((a, b) => b - a);
      const ratio = (light + 0.05) / (dark + 0.05);
      const size = parseFloat(style.fontSize);
      const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
      if (ratio < (large ? 3 : 4.5)) {
        found.set(`${told(e)}`, `${ratio.toFixed(2)} ${told(e)}: ${said.slice(0, 30)}`);
      }
    }
    return [...found.values()];
  };

  const LOOK = ["outlineStyle", "outlineWidth", "outlineColor", "boxShadow", "borderColor", "backgroundColor", "color", "textDecorationLine"];
  const looks = (e) => {
    const seen = [];
    for (let at = e, up = 0; at && up < 8; at = at.parentElement, up += 1) {
      const style = getComputedStyle(at);
      seen.push(LOOK.map((key) => style[key]).join("|"));
    }
    return seen.join("\n");
  };
  // Where the keyboard is, and whether the place before looked any different while it was there.
  let before = null;
  const focused = () => {
    const left = before;
    const e = document.activeElement;
    const here = e && e !== document.body;
    const file = here && e.type === "file";
    before = here ? { e, on: looks(e), what: told(e), shown: file || visible(e) } : null;
    if (!left) return null;
    return { what: left.what, shown: left.shown, marked: left.on !== looks(left.e) };
  };
  const unreachable = () => [...document.querySelectorAll("button,input,select,textarea,a[href]")]
    .filter((e) => visible(e) && !e.disabled && e.tabIndex < 0).map(told);

  window.accessibility = { names, headings, contrast, focused, unreachable };
})();
