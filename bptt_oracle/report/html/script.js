"use strict";
// The filter of the cards, and stops for the keyboard. The page reads the same without it.
(() => {
  const form = document.querySelector(".filter");
  const cards = [...document.querySelectorAll(".card")];
  const groups = [...document.querySelectorAll(".of-section")];

  const show = () => {
    const { verdict, section } = Object.fromEntries(new FormData(form));
    for (const card of cards) {
      const group = card.closest(".of-section").getAttribute("aria-labelledby");
      card.hidden = (verdict !== "" && card.dataset.verdict !== verdict)
        || (section !== "" && group !== `section-${section}`);
    }
    for (const group of groups) group.hidden = !group.querySelector(".card:not([hidden])");
    const shown = cards.filter((card) => !card.hidden).length;
    form.querySelector("[role=status]").textContent =
      shown === cards.length ? "" : `${shown} of ${cards.length} equations`;
  };

  // A link to a card that is filtered out shows all cards.
  const reveal = () => {
    const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (target && target.closest("[hidden]")) {
      form.reset();
      show();
      target.scrollIntoView();
    }
  };

  // What scrolls sideways can be reached by keyboard.
  const reach = () => {
    for (const box of document.querySelectorAll(".wide, .rhs")) {
      if (box.scrollWidth > box.clientWidth) box.tabIndex = 0;
      else if (!box.classList.contains("scroll")) box.removeAttribute("tabindex");
    }
  };

  form.hidden = false;
  form.addEventListener("change", show);
  form.addEventListener("submit", (event) => event.preventDefault());
  addEventListener("hashchange", reveal);
  addEventListener("resize", reach);
  document.addEventListener("toggle", reach, { capture: true });
  show();
  reach();
})();
