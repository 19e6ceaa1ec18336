// The surfaces of the report: turned with WebGL. Without it, in print and without scripts their picture stands.
"use strict";
(() => {
  const VERTEX = `
    attribute vec3 position, normal;
    uniform mat3 turn;
    uniform vec3 extent;
    uniform vec2 scale;
    uniform float depth;
    varying vec3 facing;
    void main() {
      vec3 p = turn * ((position - 0.5) * extent);
      facing = turn * normal;
      gl_Position = vec4(p.xy * scale, -p.z * depth, 1.0);
    }`;
  const FRAGMENT = `
    precision mediump float;
    uniform vec3 colour;
    varying vec3 facing;
    void main() {
      vec3 n = normalize(facing);
      n = n.z < 0.0 ? -n : n; // both sides of an open surface are lit
      float main_light = max(dot(n, normalize(vec3(-0.35, 0.55, 0.85))), 0.0);
      float fill = max(dot(n, normalize(vec3(0.7, -0.3, 0.5))), 0.0);
      float gloss = pow(max(dot(n, normalize(vec3(-0.18, 0.28, 0.93))), 0.0), 40.0);
      gl_FragColor = vec4(colour * (0.32 + 0.64 * main_light + 0.16 * fill) + 0.08 * gloss, 1.0);
    }`;
  const START = { yaw: -0.6, pitch: 0.2, zoom: 1 };
  const clamp = (v, low, high) => Math.min(high, Math.max(low, v));

  // What page.rs packed: u16 positions inside the bounding box, then u16 or u32 indices, little endian.
  function unpack(data) {
    const text = atob(data.textContent.trim());
    const bytes = new Uint8Array(text.length);
    for (let i = 0; i < bytes.length; i++) bytes[i] = text.charCodeAt(i);
    const end = 6 * Number(data.dataset.vertices);
    const positions = new Uint16Array(bytes.buffer.slice(0, end));
    const Index = data.dataset.index === "u32" ? Uint32Array : Uint16Array;
    const indices = new Index(bytes.buffer.slice(end));
    const extent = data.dataset.extent.split(" ").map(Number);
    return { positions, indices, extent, ...shape(positions, indices, extent) };
  }

  // Normals, weighted by the areas of the triangles around a vertex, and the radius of the surface around its middle.
  function shape(positions, indices, extent) {
    const place = Float32Array.from(positions, (v, i) => (v / 65535 - 0.5) * extent[i % 3]);
    const normals = new Float32Array(place.length);
    for (let t = 0; t < indices.length; t += 3) {
      const [a, b, c] = [3 * indices[t], 3 * indices[t + 1], 3 * indices[t + 2]];
      const ux = place[b] - place[a], uy = place[b + 1] - place[a + 1], uz = place[b + 2] - place[a + 2];
      const vx = place[c] - place[a], vy = place[c + 1] - place[a + 1], vz = place[c + 2] - place[a + 2];
      const nx = uy * vz - uz * vy, ny = uz * vx - ux * vz, nz = ux * vy - uy * vx;
      for (const k of [a, b, c]) { normals[k] += nx; normals[k + 1] += ny; normals[k + 2] += nz; }
    }
    let radius = 1e-6;
    for (let i = 0; i < place.length; i += 3) {
      const length = Math.hypot(normals[i], normals[i + 1], normals[i + 2]) || 1;
      for (let k = i; k < i + 3; k++) normals[k] /= length;
      radius = Math.max(radius, Math.hypot(place[i], place[i + 1], place[i + 2]));
    }
    return { normals, radius };
  }

  function program(gl) {
    const made = gl.createProgram();
    for (const [kind, source] of [[gl.VERTEX_SHADER, VERTEX], [gl.FRAGMENT_SHADER, FRAGMENT]]) {
      const shader = gl.createShader(kind);
      gl.shaderSource(shader, source);
      gl.compileShader(shader);
      gl.attachShader(made, shader);
    }
    gl.linkProgram(made);
    return gl.getProgramParameter(made, gl.LINK_STATUS) ? made : null;
  }

  // Puts the surface on the graphics card; gives the function that draws it, or null where that cannot be done.
  function painter(gl, mesh) {
    const long = mesh.indices instanceof Uint32Array;
    if (long && !("createVertexArray" in gl) && !gl.getExtension("OES_element_index_uint")) return null;
    const made = program(gl);
    if (!made) return null;
    gl.useProgram(made);
    const attribute = (name, values, type, normalised) => {
      gl.bindBuffer(gl.ARRAY_BUFFER, gl.createBuffer());
      gl.bufferData(gl.ARRAY_BUFFER, values, gl.STATIC_DRAW);
      const at = gl.getAttribLocation(made, name);
      gl.enableVertexAttribArray(at);
      gl.vertexAttribPointer(at, 3, type, normalised, 0, 0);
    };
    attribute("position", mesh.positions, gl.UNSIGNED_SHORT, true);
    attribute("normal", mesh.normals, gl.FLOAT, false);
    gl.bindBuffer(gl.ELEMENT_ARRAY_BUFFER, gl.createBuffer());
    gl.bufferData(gl.ELEMENT_ARRAY_BUFFER, mesh.indices, gl.STATIC_DRAW);
    gl.enable(gl.DEPTH_TEST);
    const uniform = (name) => gl.getUniformLocation(made, name);
    const [turn, scale, colour] = ["turn", "scale", "colour"].map(uniform);
    gl.uniform3fv(uniform("extent"), mesh.extent);
    gl.uniform1f(uniform("depth"), 0.98 / mesh.radius);
    return (rows, pixels_per_mm, width, height, tint) => {
      gl.viewport(0, 0, gl.drawingBufferWidth, gl.drawingBufferHeight);
      gl.clear(gl.COLOR_BUFFER_BIT | gl.DEPTH_BUFFER_BIT);
      gl.uniformMatrix3fv(turn, false, [0, 1, 2].flatMap((c) => rows.map((row) => row[c])));
      gl.uniform2f(scale, (2 * pixels_per_mm) / width, (2 * pixels_per_mm) / height);
      gl.uniform3fv(colour, tint);
      gl.drawElements(gl.TRIANGLES, mesh.indices.length, long ? gl.UNSIGNED_INT : gl.UNSIGNED_SHORT, 0);
    };
  }

  // Right, up and towards the reader, as directions in the patient (left, posterior, superior). At yaw 0 the patient
  // faces the reader: the patient's left is on the right, as in a radiograph.
  function axes({ yaw, pitch }) {
    const [s, c, sp, cp] = [Math.sin(yaw), Math.cos(yaw), Math.sin(pitch), Math.cos(pitch)];
    return [[c, -s, 0], [sp * s, sp * c, cp], [-cp * s, -cp * c, sp]];
  }

  // "L", or "LP" where the direction lies between two axes.
  function letters(direction, sign) {
    return direction
      .map((v, i) => ({ size: Math.abs(v), letter: ["LR", "PA", "SI"][i][v * sign > 0 ? 0 : 1] }))
      .filter((v) => v.size > 0.4)
      .sort((a, b) => b.size - a.size)
      .slice(0, 2).map((v) => v.letter).join("");
  }

  function element(parent, name, kind, text) {
    const made = document.createElement(name);
    if (kind) made.className = kind;
    if (text) made.textContent = text;
    parent.append(made);
    return made;
  }

  function show(box) {
    const canvas = document.createElement("canvas");
    const options = { antialias: true, alpha: true };
    const gl = canvas.getContext("webgl2", options) || canvas.getContext("webgl", options);
    if (!gl) return;
    const mesh = unpack(box.querySelector("script"));
    let draw = painter(gl, mesh);
    if (!draw) return;
    box.append(canvas);
    box.classList.add("live");
    canvas.tabIndex = 0;
    canvas.setAttribute("role", "application");
    canvas.setAttribute("aria-roledescription", "3D view");
    canvas.setAttribute("aria-label", `${box.querySelector("img").alt} Arrow keys turn, plus and minus zoom, R resets.`);
    const [right, left, up, down] = ["right", "left", "top-side", "bottom"].map((side) => element(box, "span", `edge ${side}`));
    const bar = element(box, "span", "bar");
    const tools = element(box, "div", "tools");
    const help = "Drag or arrow keys turn it; after a click, wheel, pinch, + and − zoom; R or a double-click resets.";
    element(box.parentElement.querySelector("figcaption"), "span", "hint", help);
    for (const label of [right, left, up, down, bar]) label.setAttribute("aria-hidden", "true");

    const view = { ...START };
    let waiting = false;
    const paint = () => {
      waiting = false;
      const [width, height, dense] = [canvas.clientWidth, canvas.clientHeight, Math.min(2, devicePixelRatio || 1)];
      if (!width || !height || gl.isContextLost()) return;
      const [w, h] = [Math.round(width * dense), Math.round(height * dense)];
      if (canvas.width !== w || canvas.height !== h) [canvas.width, canvas.height] = [w, h];
      const pixels_per_mm = (view.zoom * 0.4 * Math.min(width, height)) / mesh.radius;
      const rows = axes(view);
      const tint = getComputedStyle(canvas).getPropertyValue("--mesh").trim();
      const part = (i) => parseInt(tint.slice(i, i + 2), 16) / 255 || 0;
      draw(rows, pixels_per_mm, width, height, [part(1), part(3), part(5)]);
      [right.textContent, left.textContent] = [letters(rows[0], 1), letters(rows[0], -1)];
      [up.textContent, down.textContent] = [letters(rows[1], 1), letters(rows[1], -1)];
      const most = (0.28 * width) / pixels_per_mm;
      const power = 10 ** Math.floor(Math.log10(most));
      const length = power * [5, 2, 1].find((m) => m * power <= most);
      bar.style.width = `${length * pixels_per_mm}px`;
      bar.textContent = `${Number(length.toPrecision(1))} mm`;
    };
    const repaint = () => { if (!waiting) requestAnimationFrame(paint); waiting = true; };
    const change = (yaw, pitch, zoom) => {
      view.yaw += yaw;
      view.pitch = clamp(view.pitch + pitch, -Math.PI / 2, Math.PI / 2);
      view.zoom = clamp(view.zoom * zoom, 0.4, 20);
      repaint();
    };
    const reset = () => { Object.assign(view, START); repaint(); };
    for (const [text, name, act] of [
      ["−", "Zoom out", () => change(0, 0, 1 / 1.25)], ["+", "Zoom in", () => change(0, 0, 1.25)], ["Reset", "Reset the view", reset],
    ]) {
      const button = element(tools, "button", "", text);
      button.type = "button";
      button.setAttribute("aria-label", name);
      button.addEventListener("click", act);
    }

    const fingers = new Map();
    const spread = () => { const [a, b] = [...fingers.values()]; return Math.hypot(a.x - b.x, a.y - b.y); };
    canvas.addEventListener("pointerdown", (e) => {
      fingers.set(e.pointerId, { x: e.clientX, y: e.clientY });
      canvas.setPointerCapture(e.pointerId);
      canvas.focus({ preventScroll: true });
    });
    canvas.addEventListener("pointermove", (e) => {
      const last = fingers.get(e.pointerId);
      if (!last) return;
      const before = fingers.size === 2 ? spread() : 0;
      fingers.set(e.pointerId, { x: e.clientX, y: e.clientY });
      if (fingers.size === 1) change((e.clientX - last.x) * 0.01, (e.clientY - last.y) * 0.01, 1);
      else if (before > 0) change(0, 0, spread() / before);
    });
    for (const name of ["pointerup", "pointercancel"]) canvas.addEventListener(name, (e) => fingers.delete(e.pointerId));
    canvas.addEventListener("dblclick", reset);
    // the wheel scrolls the page until the view has been clicked
    canvas.addEventListener("wheel", (e) => {
      if (document.activeElement !== canvas && !e.ctrlKey) return;
      e.preventDefault();
      change(0, 0, Math.exp(-clamp(e.deltaY * (e.deltaMode ? 30 : 1), -120, 120) * 0.002));
    }, { passive: false });
    canvas.addEventListener("keydown", (e) => {
      const step = e.shiftKey ? 0.35 : 0.09;
      const keys = {
        ArrowLeft: [-step, 0, 1], ArrowRight: [step, 0, 1], ArrowUp: [0, -step, 1], ArrowDown: [0, step, 1],
        "+": [0, 0, 1.15], "=": [0, 0, 1.15], "-": [0, 0, 1 / 1.15],
      };
      if (e.ctrlKey || e.metaKey || e.altKey) return;
      if (keys[e.key]) change(...keys[e.key]);
      else if (e.key.toLowerCase() === "r") reset(); else return;
      e.preventDefault();
    });
    canvas.addEventListener("webglcontextlost", (e) => { e.preventDefault(); box.classList.remove("live"); });
    canvas.addEventListener("webglcontextrestored", () => {
      draw = painter(gl, mesh);
      if (draw) { box.classList.add("live"); repaint(); }
    });
    new ResizeObserver(repaint).observe(canvas);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", repaint);
    repaint();
  }

  // Browsers keep only a few WebGL contexts: eight views are made at once, further ones when they come near.
  const near = new IntersectionObserver((seen) => {
    for (const { target } of seen.filter((s) => s.isIntersecting)) { near.unobserve(target); show(target); }
  }, { rootMargin: "600px" });
  document.querySelectorAll(".surface").forEach((box, i) => (i < 8 ? setTimeout(show, 0, box) : near.observe(box)));

  // Boxes wider than the page can be scrolled with the keyboard, and say that there is more.
  const wide = new ResizeObserver((boxes) => boxes.forEach(({ target }) => {
    const more = target.scrollWidth > target.clientWidth + 1;
    target.parentElement.classList.toggle("scrolls", more);
    if (more) Object.assign(target, { tabIndex: 0, role: "group", ariaLabel: "Wider than the page; the arrow keys scroll it" });
  }));
  document.querySelectorAll(".scroll").forEach((box) => wide.observe(box));
})();
