// The page in Chromium, as a visitor uses it: `cargo xtask test` runs this. Screenshots are in
// `target/page-screenshots`.

import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { after, before, test } from 'node:test';
import { chromium } from 'playwright-core';
import { serve } from '../serve.js';

const folder = process.env.HERRINGBONE_PAGE ?? resolve('../target/site');
const shots = resolve(folder, '../page-screenshots');
const readme = readFileSync(resolve(import.meta.dirname, '../../README.md'), 'utf8');

let browser;
let served;
const problems = [];

before(async () => {
  mkdirSync(shots, { recursive: true });
  served = await serve(folder);
  const name = process.env.HERRINGBONE_BROWSER ?? 'chromium';
  const executablePath = process.env.PATH.split(':').map((it) => resolve(it, name)).find(existsSync);
  // Chromium refuses to have its sandbox under root, as tests in containers are.
  browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] });
});

after(async () => {
  await browser?.close();
  served?.server.close();
});

async function open(hash = '', options = {}) {
  const context = await browser.newContext({ viewport: { width: 1360, height: 900 }, acceptDownloads: true, ...options });
  const page = await context.newPage();
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) problems.push(message.text());
  });
  page.on('pageerror', (error) => problems.push(String(error)));
  page.on('request', (request) => {
    const { origin, protocol } = new URL(request.url());
    if (protocol !== 'blob:' && `${origin}/` !== served.address) problems.push(`a request to ${request.url()}`);
  });
  await page.goto(served.address + hash);
  return page;
}

const loaded = (page) => page.locator('#all-equal').waitFor({ timeout: 60_000 });
const textOf = async (page, selector) => (await page.locator(selector).textContent()).trim();

/** Replaces the whole text, as typing does. */
async function type(page, change) {
  await page.locator('#text').evaluate((area, [from, to]) => {
    area.value = from === null ? to : area.value.replace(from, to);
    area.dispatchEvent(new Event('input'));
  }, change);
}

test('the first screen shows the figures of the README', async () => {
  const page = await open();
  await loaded(page);
  const [, arena, sram, flash, cycles] = /\| `row_major` \| ([\d,]+) \| ([\d,]+) \| ([\d,]+) \| ([\d,]+) \|/.exec(readme);
  assert.equal(await textOf(page, '#sram'), sram);
  assert.equal(await textOf(page, '#predicted'), cycles);
  const row = page.locator('#plan-rows tr.chosen');
  assert.match(await row.textContent(), new RegExp(`row_major.*${arena}.*${sram}.*${flash}.*${cycles}`));
  assert.equal(await textOf(page, '#class'), '7');
  assert.match(await textOf(page, '#equal'), /✓ all 10 results equal/);
  await page.context().close();
});

test('all shipped digits give the interpreter’s integers on the simulated part, and are right', async () => {
  const page = await open();
  await loaded(page);
  const text = await textOf(page, '#all-result');
  assert.match(text, /^20 of 20 images give/);
  assert.match(text, /20 are right/);
  await page.context().close();
});

test('a digit that is drawn is recognised', async () => {
  const page = await open();
  await loaded(page);
  const box = await page.locator('#drawing').boundingBox();
  const at = (x, y) => [box.x + x * box.width, box.y + y * box.height];
  await page.mouse.move(...at(0.5, 0.15));
  await page.mouse.down();
  await page.mouse.move(...at(0.5, 0.5), { steps: 6 });
  await page.mouse.move(...at(0.5, 0.85), { steps: 6 });
  await page.mouse.up();
  await page.waitForFunction(() => document.querySelector('#class').textContent === '1', null, { timeout: 10_000 });
  assert.match(await textOf(page, '#equal'), /✓/);
  await page.context().close();
});

test('an over-budget design is fixed by one click', async () => {
  const page = await open();
  await loaded(page);
  await page.selectOption('#example', 'over');
  const remedy = page.locator('.remedies button').first();
  await remedy.waitFor();
  assert.match(await textOf(page, '#messages .title'), /over budget: the network needs [\d,]+ bytes of SRAM/);
  assert.equal(await page.locator('#marks mark.error').count(), 1);
  await page.screenshot({ path: `${shots}/error.png` });
  await remedy.click();
  await page.waitForFunction(() => !document.querySelector('#messages .bad'));
  assert.match(await page.locator('#text').inputValue(), /C1\(140,3\)/);
  await page.context().close();
});

test('a mistake is underlined at its place', async () => {
  const page = await open();
  await loaded(page);
  await type(page, ['C1(8,3)', 'C1(8,33)']);
  await page.locator('#messages .message').waitFor();
  assert.equal(await textOf(page, '#marks mark.error'), '33');
  const times = [];
  for (const outputs of [6, 7, 9, 10, 11, 12, 13]) {
    const before = await page.locator('#speed').textContent();
    await type(page, [/C1\(\d+,3+\), C1\(11/, `C1(${outputs},3), C1(11`]);
    await page.waitForFunction((text) => document.querySelector('#speed').textContent !== text, before).catch(() => {});
    times.push(Number(await page.locator('#speed').getAttribute('data-milliseconds')));
  }
  console.log(`milliseconds from a keystroke to the plan: ${times.map((it) => it.toFixed(0)).join(', ')}`);
  await page.context().close();
});

test('weights stay while they fit; another network is a design to size', async () => {
  const page = await open();
  await loaded(page);
  await type(page, ['C1(8,3)', 'C1(9,3)']);
  await page.locator('#note:not([hidden])').waitFor();
  assert.match(await textOf(page, '#note'), /digits\.safetensors holds the weights of another network/);
  assert.equal(await page.locator('#messages .bad').count(), 0);
  await type(page, ['C1(9,3)', 'C1(8,3)']);
  await page.locator('#note').waitFor({ state: 'hidden' });
  await page.context().close();
});

test('a trap ends nothing but the text that caused it', async () => {
  const page = await open();
  await loaded(page);
  const text = await page.locator('#text').inputValue();
  const deep = 400_000;
  await type(page, [null, `network! { N: [1, 1, 1] => < D${'('.repeat(deep)}${')'.repeat(deep)} > }`]);
  await page.locator('#failure').waitFor({ timeout: 60_000 });
  await type(page, [null, text]);
  await page.locator('#failure').waitFor({ state: 'detached', timeout: 30_000 });
  await page.waitForFunction(() => document.querySelector('#plan-rows tr.chosen'));
  await page.context().close();
});

test('a link opens the same design', async () => {
  const page = await open();
  await loaded(page);
  await type(page, ['target: atmega328p', 'target: atmega168']);
  await page.click('#link');
  await page.waitForFunction(() => location.hash.startsWith('#d='));
  const hash = await page.evaluate(() => location.hash);
  console.log(`a link has ${hash.length} letters after its address`);
  const other = await open(hash);
  await loaded(other);
  assert.equal(await other.locator('#text').inputValue(), await page.locator('#text').inputValue());
  assert.match(await textOf(other, '#outcome'), /atmega168/);
  await page.context().close();
  await other.context().close();
});

test('weights and images of one’s own are taken', async () => {
  const page = await open();
  await loaded(page);
  const at = (path) => resolve(import.meta.dirname, '../..', path);
  await page.setInputFiles('#weights', at('examples/tiny85/digits.safetensors'));
  await page.locator('#note:not([hidden])').waitFor();
  await page.setInputFiles('#weights', at('template/digits.safetensors'));
  await page.locator('#note').waitFor({ state: 'hidden' });
  await page.setInputFiles('#image', at('digits/3-a.pgm'));
  await page.waitForFunction(() => document.querySelector('#class').textContent === '3');
  await page.context().close();
});

test('a Rust file with two networks can be pasted, and either one planned', async () => {
  const page = await open();
  await loaded(page);
  const one = (name, outputs) => `herringbone::network! {\n    ${name}: [9, 9, 1] => < C1(${outputs},3), D*(3) >,\n    target: attiny85,\n}\n`;
  await type(page, [null, `mod a {\n${one('First', 4)}}\nfn main() { let x = 1; }\n${one('Second', 5)}`]);
  await page.locator('#which').waitFor();
  await page.selectOption('#network', '1');
  await page.waitForFunction(() => document.querySelector('#layer-rows').textContent.includes('C1(5,3)'));
  await page.context().close();
});

test('an embedded page shows the run and the declaration alone', async () => {
  const page = await open('?embed');
  await loaded(page);
  assert.equal(await page.locator('#try').isVisible(), true);
  assert.equal(await page.locator('#plans').isVisible(), false);
  await page.screenshot({ path: `${shots}/embed.png` });
  await page.context().close();
});

test('every example plans, and those that run are equal', async () => {
  const page = await open();
  await loaded(page);
  const names = await page.locator('#example option').evaluateAll((all) => all.map((it) => it.value).filter(Boolean));
  for (const name of names.filter((it) => it !== 'over')) {
    await page.selectOption('#example', name);
    await page.waitForFunction((of) => document.querySelector('#example').value === of, name);
    await page.waitForTimeout(300);
    await page.locator('#equal').waitFor({ timeout: 60_000 });
    await page.waitForFunction(() => document.querySelector('#time'), null, { timeout: 60_000 });
    assert.equal(await page.locator('#messages .bad').count(), 0, name);
    assert.match(await textOf(page, '#equal'), /✓/, name);
  }
  await page.context().close();
});

test('the scrubber follows the program counter into the assembly', async () => {
  const page = await open();
  await loaded(page);
  await page.locator('#layer-rows button', { hasText: 'C1(8,3)' }).click();
  const slider = page.locator('.scrubber input');
  const most = Number(await slider.getAttribute('max'));
  let marked = 0;
  for (let moment = 0; moment <= most; moment += 10) {
    await slider.evaluate((it, value) => { it.value = value; it.dispatchEvent(new Event('input')); }, moment);
    marked += await page.locator('.listing .now').count();
  }
  assert.ok(marked > 2, `${marked} moments are in the layer's assembly`);
  await slider.evaluate((it) => { it.value = 0; it.dispatchEvent(new Event('input')); });
  await page.locator('.listing li').nth(40).click();
  assert.match(await textOf(page, '#arena > p'), /layer_2, for C1\(8,3\)/);
  await page.context().close();
});

test('a plan that is clicked runs', async () => {
  const page = await open();
  await loaded(page);
  const before = await textOf(page, '#predicted');
  await page.locator('#plan-rows button', { hasText: /^herringbone$/ }).click();
  await page.waitForFunction(() => document.querySelector('#plan-rows tr.chosen').textContent.startsWith('herringbone'));
  await page.waitForFunction((it) => document.querySelector('#predicted').textContent !== it, before);
  assert.match(await textOf(page, '#equal'), /✓/);
  await page.context().close();
});

test('the smallest chip is found and taken', async () => {
  const page = await open();
  await loaded(page);
  await page.click('#find-chips');
  await page.waitForFunction(() => /parts hold it/.test(document.querySelector('#chips-progress').textContent), null, { timeout: 120_000 });
  console.log(await textOf(page, '#chips-progress'));
  const button = page.locator('#chip-rows td button').first();
  const part = await button.textContent();
  await button.click();
  await page.waitForFunction((name) => document.querySelector('#text').value.includes(`target: ${name}`), part);
  await page.context().close();
});

test('a project is downloaded', async () => {
  const page = await open();
  await loaded(page);
  const [download] = await Promise.all([page.waitForEvent('download'), page.click('#project')]);
  assert.equal(download.suggestedFilename(), 'digits.zip');
  await download.saveAs(`${shots}/digits.zip`);
  await page.context().close();
});

test('it looks right on a desk and on a phone, by day and by night', async () => {
  for (const [name, viewport] of [['desktop', { width: 1360, height: 900 }], ['phone', { width: 390, height: 844 }]]) {
    for (const colorScheme of ['light', 'dark']) {
      const page = await open('', { viewport, colorScheme });
      await loaded(page);
      await page.locator('#layer-rows button', { hasText: 'C1(8,3)' }).click();
      await page.locator('.scrubber input').evaluate((it) => { it.value = 150; it.dispatchEvent(new Event('input')); });
      const wider = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      assert.ok(wider <= 0, `${name}: the page is ${wider} pixels wider than the screen`);
      await page.screenshot({ path: `${shots}/${name}-${colorScheme}.png` });
      await page.screenshot({ path: `${shots}/${name}-${colorScheme}-whole.png`, fullPage: true });
      await page.context().close();
    }
  }
});

test('it can be used by keyboard alone', async () => {
  const page = await open();
  await loaded(page);
  const image = page.locator('.gallery button').first();
  await image.focus();
  await page.keyboard.press('Enter');
  await page.waitForFunction(() => document.querySelector('#class').textContent === '0');
  const unnamed = await page.evaluate(() => [...document.querySelectorAll('button, input, select, textarea, canvas, [role=button]')]
    .filter((it) => !it.closest('[hidden]') && !it.closest('.gallery button') && !it.closest('label') && !(it.textContent.trim() || it.getAttribute('aria-label')))
    .map((it) => it.outerHTML));
  assert.deepEqual(unnamed, []);
  await page.context().close();
});

test('nothing was wrong, and nothing was asked of anybody', () => {
  assert.deepEqual(problems, []);
});
